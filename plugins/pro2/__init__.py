"""What Airflow needs of the reconciliation: hooks, triggers, sensors, operators, links, the page."""
