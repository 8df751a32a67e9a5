"""Runs the real things on this machine: a sandbox process, and a whole Airflow beside it.

Used by the demo and by the system tests. Nothing here imports Airflow: it is started as subprocesses and
spoken to over its REST API, so what works here works against the installation of a site as well.
"""
