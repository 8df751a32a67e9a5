"""Who asks, and what he may do here, as Airflow's auth manager says.

Whoever may see the dag runs of ``reconcile`` may look; whoever may trigger it may declare, confirm, withdraw, waive,
hold, release and close; only an admin may turn the kill switch and adopt a ledger. Fails with 401 where nobody is
logged in and with 403 in a sentence that names what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    DagAccessEntity,
    DagDetails,
    TeamDetails,
)
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException

from pro2.organization import named
from pro2_reconciliation.domain.oneline import one_line

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

RECONCILE = "reconcile"
NOBODYS_TEAM = "every team: only an admin"
"""No team can be called that: the simple auth manager splits its users at the colon."""
ROLES = "Roles"
"""The resource of Airflow's FAB auth manager that only its admins may edit."""


@dataclass(frozen=True)
class Person:
    """``name`` stands in the ledger. ``acts``: may trigger ``reconcile``; ``answers``: may answer its question."""

    name: str
    acts: bool = False
    answers: bool = False
    admin: bool = False

    def must_act(self, what: str) -> None:
        """Refuse (403) who may only look."""
        if not self.acts:
            raise HTTPException(
                403,
                f"{self.name} may look, but not {what}: that needs the right to trigger {named(RECONCILE)}",
            )

    def must_be_admin(self, what: str) -> None:
        """Refuse (403) who is no admin of Airflow."""
        if not self.admin:
            raise HTTPException(403, f"{self.name} may not {what}: only an admin of Airflow may do that")


def person(user: GetUserDep) -> Person:
    """The person behind a request. Raises ``HTTPException`` 401 for nobody, 403 for who may not even look."""
    manager = get_auth_manager()
    dag_id = named(RECONCILE)
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    name = one_line(str(user.get_name() or user.get_id()))
    if not manager.is_authorized_dag(
        method="GET", access_entity=DagAccessEntity.RUN, details=details, user=user
    ):
        raise HTTPException(403, f"{name} may not see the dag runs of {dag_id}, which this page is about")
    return Person(
        name=name,
        acts=manager.is_authorized_dag(
            method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user
        ),
        answers=manager.is_authorized_dag(
            method="PUT", access_entity=DagAccessEntity.HITL_DETAIL, details=details, user=user
        ),
        admin=is_admin(manager, user),
    )


def is_admin(manager: BaseAuthManager[BaseUser], user: BaseUser) -> bool:
    """Whether a user is an admin of Airflow. There is no such question in its interface, so two are asked.

    The FAB auth manager lets only admins edit roles, and knows no teams. The simple one lets everybody see custom
    views, and only admins into a team that is not theirs. Another one that lets somebody do both is believed.
    """
    if not manager.is_authorized_custom_view(method="PUT", resource_name=ROLES, user=user):
        return False
    try:
        return manager.is_authorized_team(method="PUT", details=TeamDetails(name=NOBODYS_TEAM), user=user)
    except NotImplementedError:
        return True


PersonDep = Annotated[Person, Depends(person)]
