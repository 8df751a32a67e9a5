"""The page "Outages" in Airflow: its routes, its access, its files. Loaded by the API server on the first request."""
