"""A local stand-in for a Pro2 account that keeps the truth about who was mailed what.

``create_app(World(load_incident("evening-outage")))`` is an ASGI application; ``python -m pro2_sandbox`` serves it
on loopback. It plays a scripted incident in real time and imports nothing of the code that it is there to test.
"""

from pro2_sandbox.app import Sandbox, create_app
from pro2_sandbox.faults import ConnectionDropped, Fault, Refused
from pro2_sandbox.incident import Incident
from pro2_sandbox.inprocess import Answer, InProcess
from pro2_sandbox.loader import IncidentError, build_incident, load_incident, organizations, parse_incident
from pro2_sandbox.world import World

__all__ = [
    "Answer",
    "ConnectionDropped",
    "Fault",
    "InProcess",
    "Incident",
    "IncidentError",
    "Refused",
    "Sandbox",
    "World",
    "build_incident",
    "create_app",
    "load_incident",
    "organizations",
    "parse_incident",
]
