"""The demo: a sandbox with one incident and a real Airflow, run as a person would, and judged at the end.

It speaks HTTP and reads files, as anybody could from outside; what it says of the evening is the sandbox's own
account of it, compared with the reports that the DAGs wrote.
"""
