# The image of docker-compose.yaml. The slim image: Airflow and nothing that requirements.txt does not name, so its
# pins meet no other provider's. For the Astro CLI, which takes no other base than its own, there is Dockerfile.
FROM apache/airflow:slim-3.3.2-python3.12

# Dependencies first: they change less often than the project does.
COPY --chown=airflow:0 requirements.txt constraints.txt /opt/airflow/
RUN pip install --no-cache-dir -r /opt/airflow/requirements.txt -c /opt/airflow/constraints.txt

# Editable, so that plugins/ and include/ mounted over these folders are what runs. It is a step of its own
# because the project is not there yet when the requirements are installed.
COPY --chown=airflow:0 . /opt/airflow/
RUN pip install --no-cache-dir --no-deps -e /opt/airflow \
    && mkdir -p /opt/airflow/logs /opt/airflow/reports

ENV AIRFLOW__CORE__LOAD_EXAMPLES=False \
    PRO2_RECONCILIATION_CONFIG=/opt/airflow/config
