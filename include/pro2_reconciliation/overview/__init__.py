"""What a person sees of one organization at one moment, made from the ledger alone: no request, no Airflow."""
