"""The pure core: values in, values out. No Airflow, no input or output, no clock of its own."""
