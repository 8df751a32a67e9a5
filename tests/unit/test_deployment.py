"""The ways to deploy: the Compose file, the two images and what the Astro CLI reads.

That the services of the Compose file work together is tried by ``tests/system/test_cluster.py``; no image was pulled.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from sqlalchemy import make_url
from tests.system import compose
from tests.unit.test_house import PROJECT, pins

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = compose.load()
SERVICES: dict[str, Any] = COMPOSE["services"]
LASTING = sorted(set(SERVICES) - {compose.ONE_SHOT})
AIRFLOW = sorted(name for name, body in SERVICES.items() if "build" in body)
OF_A_SHELL = {"PRO2_RECONCILIATION_LEDGER", "PRO2_RECONCILIATION_ORGANIZATION", "PRO2_RATE_STORE"}
SCHEMA = ROOT / "tests" / "schemas" / "compose-spec.json"
REFUSED = re.compile(r"apache-airflow\s*[=~>]{1,2}.*")
"""A line of requirements.txt with which Astro Runtime breaks its build off: "change the base image instead".

Source: the image's own ONBUILD step, ``grep -Eqx 'apache-airflow\\s*[=~>]{1,2}.*' requirements.txt``.
"""
EXACT_TAG = re.compile(r"[\w./-]+:(v?\d+\.\d+(\.\d+)?[\w.-]*|slim-\d+\.\d+\.\d+[\w.-]*)")
DIGEST = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}")
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|TOKEN|CONN|BROKER|RESULT_BACKEND", re.IGNORECASE)
HARMLESS = {
    "AIRFLOW__CORE__TEST_CONNECTION",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__SECRETS__BACKEND",
    "AIRFLOW__SECRETS__BACKEND_KWARGS",
}
"""Settings that sound like a secret and name a place or a switch only."""


def settings() -> Iterator[tuple[str, str, str]]:
    """Every environment setting of every service, as (service, name, value)."""
    for service, body in SERVICES.items():
        for name, value in (body.get("environment") or {}).items():
            yield service, name, str(value)


class TestCompose:
    def test_it_is_what_the_compose_specification_allows(self):
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(COMPOSE)

    def test_the_schema_finds_a_mistake(self):
        broken = {**COMPOSE, "services": {"worker": {"image": "x", "replicas": 2}}}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(broken)

    def test_it_is_a_cluster(self):
        found = compose.services()
        assert found["worker"].replicas >= 2
        assert found["triggerer"].replicas >= 2
        executors = {name: one.environment.get("AIRFLOW__CORE__EXECUTOR") for name, one in found.items()}
        assert set(executors.values()) == {"CeleryExecutor", None}
        assert {name for name, executor in executors.items() if executor is None} == {"postgres", "valkey"}

    def test_ports_are_published_on_loopback_only(self):
        ports = [port for body in SERVICES.values() for port in body.get("ports", [])]
        assert ports
        assert [port for port in ports if not str(port).startswith("127.0.0.1:")] == []

    def test_a_secret_is_a_file_and_never_a_setting(self):
        """So it is in no ``docker inspect`` either."""
        named = [one for one in settings() if SECRET.search(one[1]) and one[1] not in HARMLESS]
        assert named
        bad = [one for one in named if not (one[1].endswith(("_CMD", "_FILE")) and "/run/secrets/" in one[2])]
        assert bad == []
        assert {Path(one["file"]).parent for one in COMPOSE["secrets"].values()} == {Path("secrets")}

    def test_no_address_carries_a_password(self):
        password = re.compile(r"://[^/@\s]*:(?!%s@)[^/@\s]+@")
        assert [one for one in settings() if password.search(one[2])] == []

    @pytest.mark.parametrize("service", sorted(SERVICES))
    def test_a_service_has_each_secret_that_it_reads(self, service):
        body = SERVICES[service]
        given = {one if isinstance(one, str) else one["target"] for one in body.get("secrets", [])}
        read = set(re.findall(r"/run/secrets/([\w.]+)", json.dumps(body)))
        assert read <= given

    @pytest.mark.parametrize("service", sorted(SERVICES))
    def test_an_image_is_pinned(self, service):
        image = SERVICES[service]["image"]
        assert EXACT_TAG.fullmatch(image) or DIGEST.fullmatch(image), image

    @pytest.mark.parametrize("service", sorted(SERVICES))
    def test_a_service_is_no_root_and_gets_no_more_rights(self, service):
        body = SERVICES[service]
        user, _, _ = str(body["user"]).partition(":")
        assert int(user) > 0
        assert body["cap_drop"] == ["ALL"]
        assert body["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in body

    @pytest.mark.parametrize("service", sorted(SERVICES))
    def test_a_service_has_limits(self, service):
        limits = SERVICES[service]["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}

    @pytest.mark.parametrize("service", LASTING)
    def test_a_service_that_stays_has_a_health_check(self, service):
        assert SERVICES[service]["healthcheck"]["test"]

    def test_the_example_holds_the_defaults_and_no_secret(self):
        told = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M))
        assert told == compose.defaults()
        assert not [name for name in told if SECRET.search(name)]

    def test_a_worker_that_is_asked_to_stop_lets_its_tasks_end(self):
        """The image's init (dumb-init) signals the whole process group unless told otherwise.

        Source: Airflow's docker stack, entrypoint, "Signal propagation"; Airflow's own Compose file does so too.
        """
        worker = SERVICES["worker"]
        assert worker["environment"]["DUMB_INIT_SETSID"] == "0"
        assert worker["stop_grace_period"] == "5m"

    @pytest.mark.parametrize("service", AIRFLOW)
    def test_a_component_has_what_all_of_them_have(self, service):
        """A service with settings of its own keeps the common ones."""
        assert COMPOSE["x-airflow"]["environment"].items() <= SERVICES[service]["environment"].items()
        assert set(COMPOSE["x-airflow"]["secrets"][:-1]) <= {
            one for one in SERVICES[service]["secrets"] if isinstance(one, str)
        }

    def test_a_link_leads_to_the_port_that_is_published(self):
        """Without an address, what is mailed holds paths, which nobody can open."""
        (port,) = SERVICES["api-server"]["ports"]
        host, published, _ = compose.interpolated(port).split(":")
        told = {compose.services()[name].environment["AIRFLOW__API__BASE_URL"] for name in AIRFLOW}
        assert told == {f"http://{host}:{published}"}

    @pytest.mark.parametrize("service", AIRFLOW)
    def test_each_variable_of_ours_can_be_set(self, service):
        """But what is for a shell, and the file of the request budget, which is refused with CeleryExecutor."""
        page = (ROOT / "docs" / "configuration.md").read_text().partition("<!-- variables -->")[2]
        told = set(re.findall(r"^\| `(PRO2_[A-Z_]+)`", page, re.M)) - OF_A_SHELL
        assert len(told) == 5
        assert told <= set(compose.services()[service].environment)

    def test_the_database_counts_as_healthy_only_when_it_listens(self):
        """While its image makes the databases, a server answers on the socket, and stops again."""
        assert "--host=127.0.0.1" in SERVICES["postgres"]["healthcheck"]["test"]


class TestSecrets:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "secrets"

    def make(self, folder: Path) -> str:
        done = subprocess.run([ROOT / "scripts/secrets", folder], capture_output=True, text=True, check=True)
        return done.stdout

    def test_every_secret_of_the_compose_file_is_made(self, folder):
        self.make(folder)
        wanted = {Path(one["file"]).name for one in COMPOSE["secrets"].values()}
        assert {path.name for path in folder.iterdir()} == wanted
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_the_secrets_are_what_they_are_used_for(self, folder):
        from airflow.models.connection import Connection
        from cryptography.fernet import Fernet

        self.make(folder)
        Fernet((folder / "fernet_key").read_text())
        assert len((folder / "jwt_secret").read_text()) >= 64
        for name in ("postgres_password", "valkey_password"):
            assert re.fullmatch(r"[\w-]{24,}", (folder / name).read_text())
        ledger = Connection(
            uri=json.loads((folder / "connections.json").read_text())["reconciliation_ledger"]
        )
        assert ledger.password == (folder / "postgres_password").read_text()
        assert (ledger.conn_type, ledger.host, ledger.schema) == ("postgres", "postgres", "ledger")

    def test_a_secret_that_is_there_stays(self, folder):
        self.make(folder)
        before = {path.name: path.read_text() for path in folder.iterdir()}
        (folder / "admin_password").unlink()
        assert "admin_password" in self.make(folder)
        after = {path.name: path.read_text() for path in folder.iterdir()}
        assert {**after, "admin_password": ""} == {**before, "admin_password": ""}

    def test_no_two_sites_share_one(self, tmp_path):
        for name in ("one", "two"):
            self.make(tmp_path / name)
        told = [{path.read_text() for path in (tmp_path / name).iterdir()} for name in ("one", "two")]
        assert not told[0] & told[1]


class TestImages:
    def test_the_image_of_compose_is_of_the_pinned_airflow(self):
        image = re.search(r"^FROM (\S+)", (ROOT / "compose.Dockerfile").read_text(), re.M)
        assert image
        assert EXACT_TAG.fullmatch(image[1])
        assert pins("requirements.txt")["apache-airflow"] in image[1]
        assert all(
            one["build"]["dockerfile"] == "compose.Dockerfile" for one in SERVICES.values() if "build" in one
        )

    def test_the_image_of_astro_is_pinned_and_of_a_python_that_we_support(self):
        """Its tag names no Airflow of three numbers; the CLI takes no other base image than Astro's."""
        image = re.search(
            r"^FROM astrocrpublic\.azurecr\.io/runtime:(\S+)$", (ROOT / "Dockerfile").read_text(), re.M
        )
        assert image
        found = re.fullmatch(r"(\d+\.\d+)-\d+-python-(\d+\.\d+)", image[1])
        assert found
        assert pins("requirements.txt")["apache-airflow"].startswith(f"{found[1]}.")
        from packaging.specifiers import SpecifierSet

        assert SpecifierSet(PROJECT["requires-python"]).contains(found[2])

    def test_what_astro_installs_before_the_project_is_there_does_not_name_the_project(self):
        lines = (ROOT / "requirements.txt").read_text().splitlines()
        assert [line for line in lines if line.startswith(("-e", ".", "-r", "-c"))] == []
        steps = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("RUN")]
        assert steps[-1] == "RUN pip install --no-cache-dir --no-deps -e ."

    def test_astro_finds_no_version_of_airflow_in_the_requirements(self):
        lines = (ROOT / "requirements.txt").read_text().splitlines()
        assert [line for line in lines if REFUSED.fullmatch(line)] == []
        assert "apache-airflow" in lines
        assert f"apache-airflow=={pins('constraints.txt')['apache-airflow']}" in (
            (ROOT / "constraints.txt").read_text().splitlines()
        )

    def test_astro_gets_the_driver_that_its_address_of_the_database_means(self):
        """The CLI says postgresql:// without a driver, and what that means is up to the pinned SQLAlchemy."""
        driver = make_url("postgresql://postgres@postgres").get_dialect().driver
        installed = (ROOT / "Dockerfile").read_text() + (ROOT / "requirements.txt").read_text()
        assert re.search(rf"\b{driver}(-binary|\[binary\])?==\d", installed), driver

    def test_an_image_gets_all_that_the_installation_reads(self):
        """The project is built from what .dockerignore lets through."""
        allowed = re.findall(r"^!([^\s/]+)/?$", (ROOT / ".dockerignore").read_text(), re.M)
        build = [
            "pyproject.toml",
            PROJECT["readme"],
            *PROJECT["license-files"],
            "include",
            "plugins",
            "dags",
            "config",
        ]
        asked_for = [*build, "requirements.txt", "constraints.txt", "packages.txt"]
        assert [name for name in asked_for if not any(fnmatch(name, one) for one in allowed)] == []
        assert [name for name in allowed if not (ROOT / name).exists()] == []


class TestKubernetes:
    """The values in docs/deploy.md; what the chart's own files are was read, for there is no Helm here."""

    @pytest.fixture
    def page(self) -> str:
        return (ROOT / "docs" / "deploy.md").read_text().partition("\n## Kubernetes")[2]

    @pytest.fixture
    def values(self, page: str) -> dict[str, Any]:
        (block,) = re.findall(r"^```\n(executor: .+?)^```$", page, re.M | re.S)
        found: dict[str, Any] = yaml.safe_load(block)
        return found

    def test_the_site_is_not_mounted_over_what_the_chart_mounts(self, values):
        """It puts airflow_local_settings.py into /opt/airflow/config, which fails in a folder that is a ConfigMap."""
        told = {one["name"]: one["value"] for one in values["env"]}
        (mount,) = values["volumeMounts"]
        assert told["PRO2_RECONCILIATION_CONFIG"] == mount["mountPath"]
        assert not mount["mountPath"].startswith("/opt/airflow")

    def test_nothing_is_asked_of_an_auth_manager_that_the_image_lacks(self, values):
        assert values["config"]["core"]["auth_manager"].endswith(".SimpleAuthManager")
        assert values["createUserJob"] == {"enabled": False}
        passwords = values["config"]["core"]["simple_auth_manager_passwords_file"]
        assert passwords == "/dev/shm/passwords.json"  # noqa: S108 (a pod's own; it has to be writable)
        assert "cp /opt/passwords/passwords.json /dev/shm/;" in values["apiServer"]["args"][-1]

    def test_every_secret_that_is_named_is_made_with_its_key(self, page, values):
        lines = page.replace("\\\n", " ").splitlines()
        made = {
            line.split()[4]: set(re.findall(r"--from-\w+=([\w.-]+)=", line))
            for line in lines
            if line.startswith("kubectl create secret generic")
        }
        assert {one["secretKey"] for one in values["secret"]} <= made["reconciliation"]
        assert made[values["data"]["metadataSecretName"]] == {"connection"}
        keys = {"fernetKeySecretName": "fernet-key", "jwtSecretName": "jwt-secret"}
        for name, key in {**keys, "apiSecretKeySecretName": "api-secret-key"}.items():
            assert key in made[values[name]]

    def test_the_address_of_the_database_names_a_driver_of_the_image(self, page):
        assert "connection=postgresql+psycopg2://" in page
        assert "psycopg2-binary" in pins("requirements.txt")


class TestAstro:
    def test_the_project_is_complete(self):
        """What the CLI asks for: its own files, and an (empty) list of the system's packages."""
        astro = {path.name for path in (ROOT / ".astro").iterdir() if path.is_file()}
        assert astro == {"config.yaml", "dag_integrity_exceptions.txt", "test_dag_integrity_default.py"}
        assert (ROOT / "packages.txt").read_text() == ""

    @pytest.fixture
    def told(self) -> dict[str, dict[str, Any]]:
        """The connections of airflow_settings.yaml, by id."""
        text = (ROOT / "airflow_settings.yaml").read_text()
        return {one["conn_id"]: one for one in yaml.safe_load(text)["airflow"]["connections"]}

    def test_the_local_connections_are_ours_and_hold_no_secret(self, told):
        from pro2.accounts import DASHBOARD, PRO2, TESSITURA
        from pro2.provider import get_provider_info

        accounts = {name: one for name, one in told.items() if name != "reconciliation_ledger"}
        assert set(accounts) > {PRO2, DASHBOARD, TESSITURA}
        types = {one["connection-type"] for one in get_provider_info()["connection-types"]}
        assert {one["conn_type"] for one in accounts.values()} <= types
        assert [one for one in told.values() if one.get("conn_password")] == []

    def test_the_ledger_is_in_the_postgresql_of_the_cli(self, told):
        """Each component is a container with an AIRFLOW_HOME of its own, so a file would be as many ledgers. As a URI
        only: with other fields beside it the CLI would not read it, and an older one would say --conn-type.
        """
        from airflow.models.connection import Connection

        ledger = told["reconciliation_ledger"]
        assert set(ledger) == {"conn_id", "conn_uri"}
        found = Connection(uri=ledger["conn_uri"])
        assert (found.conn_type, found.host, found.schema) == ("postgres", "postgres", "ledger")
        assert (found.login, found.password) == (
            "postgres",
            "postgres",
        )  # the defaults of the CLI, on loopback
        assert "createdb --username=postgres ledger" in (ROOT / "docs" / "deploy.md").read_text()

    def test_its_postgresql_is_one_that_airflow_supports(self):
        """The CLI's own default is 12.6; ours is that of the Compose file."""
        told = yaml.safe_load((ROOT / ".astro" / "config.yaml").read_text())["postgres"]["tag"]
        assert SERVICES["postgres"]["image"] == f"postgres:{told}"

    def test_its_reports_are_where_all_components_see_them(self):
        """The CLI's components share a volume for logs, and the folders that come from the checkout."""
        found = re.search(r"PRO2_RECONCILIATION_REPORTS=(\S+)", (ROOT / "Dockerfile").read_text())
        assert found
        assert found[1].startswith("file:///usr/local/airflow/logs/")
