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
from tests.system import compose
from tests.unit.test_house import PROJECT, pins

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = compose.load()
SERVICES: dict[str, Any] = COMPOSE["services"]
LASTING = sorted(set(SERVICES) - {compose.ONE_SHOT})
SCHEMA = ROOT / "tests" / "schemas" / "compose-spec.json"
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
        told = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M))
        assert told == dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", compose.FILE.read_text()))
        assert not [name for name in told if SECRET.search(name)]


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
        assert steps == ["RUN pip install --no-cache-dir --no-deps -e ."]

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


class TestAstro:
    def test_the_project_is_complete(self):
        """What the CLI asks for: its own files, and an (empty) list of the system's packages."""
        astro = {path.name for path in (ROOT / ".astro").iterdir() if path.is_file()}
        assert astro == {"config.yaml", "dag_integrity_exceptions.txt", "test_dag_integrity_default.py"}
        assert (ROOT / "packages.txt").read_text() == ""

    def test_the_local_connections_are_ours_and_hold_no_secret(self):
        from pro2.accounts import DASHBOARD, PRO2, TESSITURA
        from pro2.provider import get_provider_info

        told = yaml.safe_load((ROOT / "airflow_settings.yaml").read_text())["airflow"]["connections"]
        assert {one["conn_id"] for one in told} > {PRO2, DASHBOARD, TESSITURA}
        types = {one["connection-type"] for one in get_provider_info()["connection-types"]}
        assert {one["conn_type"] for one in told} <= types
        assert [one for one in told if one.get("conn_password")] == []
