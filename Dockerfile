# The image of the Astro CLI (astro dev start, astro deploy). Runtime 3.3-8 holds Airflow 3.3.2; the tag without a
# Python would be 3.14, which this package does not support yet. For docker-compose.yaml: compose.Dockerfile.
FROM astrocrpublic.azurecr.io/runtime:3.3-8-python-3.12

# Astro says postgresql:// for Airflow's database and names no driver; with the pinned SQLAlchemy that means psycopg.
RUN pip install --no-cache-dir "psycopg[binary]==3.3.9"

# By now the base image has installed requirements.txt and then copied the project (its ONBUILD steps, in that order).
# So the project itself cannot stand in requirements.txt, and is installed here: editable, because the CLI mounts
# include/ and plugins/ over the copies.
RUN pip install --no-cache-dir --no-deps -e .

# Reports: on the volume that the CLI's components share. On Astro itself set it to a bucket.
ENV PRO2_RECONCILIATION_CONFIG=/usr/local/airflow/config \
    PRO2_RECONCILIATION_REPORTS=file:///usr/local/airflow/logs/reports
