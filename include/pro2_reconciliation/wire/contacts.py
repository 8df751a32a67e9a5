"""Contacts and tags of ActiveCampaign v3: ids and counts; addresses only for a drift's CSV.

The exchanges are the methods of the port :class:`~pro2_reconciliation.domain.ports.Contacts`. Counts come
from ``meta.total`` (often text); where an answer has none, the count is ``Unreadable`` and not 0.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from pro2_reconciliation.domain.errors import Rejected, Unreadable
from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.exchange import Exchange, Request
from pro2_reconciliation.wire.paging import PAGE, ask, pages
from pro2_reconciliation.wire.scalars import Row

ANY_STATUS = "-1"


def tag_id(tag: str) -> Exchange[str | None]:
    """The id of the contact tag of exactly this name: the server's search is "contains", so we compare."""

    def matches(entry: Row) -> bool:
        return scalars.text(entry, "tag") == tag and scalars.text(entry, "tagType", "contact") == "contact"

    found = yield from pages("api/3/tags", "tags", {"search": tag}, lambda page: any(map(matches, page)))
    return next((scalars.plain_id(entry, "id", f"tag {tag}") for entry in found if matches(entry)), None)


def holders(tag: str, each_page: Callable[[], object] = lambda: None) -> Exchange[set[str]]:
    """Ids of all contacts with the tag of this id, whatever their status, by key-set paging.

    The whole set or an error: a set with a gap would make people look untagged. ``each_page`` is called before
    every request: a large tag takes minutes, and whoever holds a lease has to renew it.
    """
    found: set[str] = set()
    after = 0
    while True:
        each_page()
        page, total = yield from _holders_after(tag, after)
        if not page and total not in (None, 0, len(found)):
            raise Unreadable(
                f"the holders of tag {tag} end at {len(found)} of {total}; the set would have a gap"
            )
        found.update(map(str, page))
        if not page or (len(page) < PAGE and total in (None, len(page), len(found))):
            return found
        after = max(page)


def _holders_after(tag: str, after: int) -> Exchange[tuple[dict[int, Row], int | None]]:
    """The next page of a tag's holders by ascending id, and the total that the service claims.

    Raises ``Unreadable`` for ids that do not ascend: the set would have gaps, and the walk no end.
    """
    params = {"tagid": tag, "status": ANY_STATUS, "orders[id]": "ASC", "id_greater": str(after)}
    body = yield from ask(Request("GET", "api/3/contacts", {**params, "limit": str(PAGE)}))
    page = scalars.rows(body.get("contacts"), f"the holders of tag {tag}")
    ids = [scalars.number(entry, "id", "a contact", required=True) for entry in page]
    if ids != sorted(set(ids)) or (ids and ids[0] <= after):
        raise Unreadable(f"the holders of tag {tag} do not come by ascending id; the set would have gaps")
    return dict(zip(ids, page, strict=True)), scalars.total(body, "api/3/contacts")


def addresses(contact_ids: Collection[str], tag: str, holders_of_tag: int) -> Exchange[dict[str, str]]:
    """The e-mail addresses of these contacts, all of which hold the tag of this id; contact id to address.

    One request a contact, or the pages of the tag's ``holders_of_tag`` holders, whichever is less. A contact that is
    gone is missing from the answer.
    """
    wanted, found = set(contact_ids), dict[str, str]()
    if len(wanted) <= holders_of_tag // PAGE + 1:
        for contact_id in sorted(wanted, key=lambda one: (len(one), one)):
            try:
                body = yield from ask(Request("GET", f"api/3/contacts/{contact_id}"))
            except Rejected as error:
                if error.status != 404:
                    raise
                continue
            found[contact_id] = scalars.text(
                scalars.row(body.get("contact"), f"contact {contact_id}"), "email"
            )
        return found
    after = 0
    while len(found) < len(wanted):
        page, _ = yield from _holders_after(tag, after)
        if not page:
            break
        found.update(
            {str(one): scalars.text(row, "email") for one, row in page.items() if str(one) in wanted}
        )
        after = max(page)
    return found


def members(list_id: str, most: int) -> Exchange[dict[str, str]]:
    """Contact id to address of all contacts of a list, whatever their status there.

    Raises ``Rejected`` where they are more than ``most``, and ``Unreadable`` where the answer does not say how many
    they are: a part of a list is no list.
    """
    params = {"listid": list_id, "status": ANY_STATUS, "orders[id]": "ASC", "limit": str(min(most + 1, PAGE))}
    body = yield from ask(Request("GET", "api/3/contacts", params))
    page = scalars.rows(body.get("contacts"), f"the contacts of list {list_id}")
    total = scalars.total(body, "api/3/contacts")
    if total is None:
        raise Unreadable(f"the contacts of list {list_id} cannot be counted: the answer has no meta.total")
    if total > most or len(page) > most:
        raise Rejected(
            f"list {list_id} holds {max(total, len(page)):,} contacts; {most} at most are allowed here"
        )
    found = {scalars.plain_id(row, "id", "a contact"): scalars.text(row, "email") for row in page}
    if len(found) != total:
        raise Unreadable(f"list {list_id} shows {len(found)} of {total} contacts")
    return found


def tags_beginning(prefix: str) -> Exchange[list[str]]:
    """The names of the contact tags that begin so, sorted."""
    listed = yield from pages("api/3/tags", "tags", {"search": prefix})
    return sorted(name for entry in listed if (name := scalars.text(entry, "tag")).startswith(prefix))


def holder_count(tag: str) -> Exchange[int]:
    """How many contacts hold a tag: ``subscriber_count``, else the total of a listing of one."""
    body = yield from ask(Request("GET", f"api/3/tags/{tag}"))
    entry = scalars.row(body.get("tag"), f"tag {tag}")
    if entry.get("subscriber_count") not in (None, ""):
        return scalars.number(entry, "subscriber_count", f"tag {tag}")
    return (yield from count("api/3/contacts", {"tagid": tag, "status": ANY_STATUS}))


def add_tag(contact_id: str, tag: str, *, holding: str | None = None) -> Exchange[bool]:
    """Give a contact the tag of this id; True if that was written.

    Its tags are read first: a tag that is there already is not written again, since writing one may start an
    automation. ``holding``: only while the contact holds this tag as well. A contact that is gone gets nothing.
    """
    held = yield from _tags_of(contact_id)
    if held is None or tag in held or (holding is not None and holding not in held):
        return False
    body = {"contactTag": {"contact": contact_id, "tag": tag}}
    yield from ask(Request("POST", "api/3/contactTags", body=body, mutating=True))
    return True


def remove_tag(contact_id: str, tag: str, *, lacking: str | None = None) -> Exchange[bool]:
    """Take the tag of this id from a contact; True if that was written, False where the contact lacks it already.

    The service deletes the relation between the two, whose id has to be read first. ``lacking``: only while the
    contact does not hold this tag.
    """
    held = yield from _tags_of(contact_id)
    if held is None or tag not in held or lacking in held:
        return False
    try:
        yield from ask(Request("DELETE", f"api/3/contactTags/{held[tag]}", mutating=True))
    except Rejected as error:
        if error.status != 404:
            raise
        return False
    return True


def _tags_of(contact_id: str) -> Exchange[dict[str | None, str] | None]:
    """The tags of a contact, tag id to id of the relation; None where the contact is gone."""
    path = f"api/3/contacts/{contact_id}/contactTags"
    try:
        body = yield from ask(Request("GET", path))
    except Rejected as error:
        if error.status == 404:
            return None
        raise
    relations = scalars.rows(body.get("contactTags"), f"contactTags of {path}")
    return {
        scalars.text(entry, "tag"): scalars.plain_id(entry, "id", f"a tag of contact {contact_id}")
        for entry in relations
    }


def import_backlog() -> Exchange[int]:
    """Contacts that still wait in ActiveCampaign's bulk import."""
    body = yield from ask(Request("GET", "api/3/import/bulk_import"))
    waiting = scalars.rows(body.get("outstanding"), "outstanding of bulk_import")
    return sum(scalars.number(entry, "contacts", "a waiting import", required=True) for entry in waiting)


def count(path: str, params: dict[str, str]) -> Exchange[int]:
    """How many rows a listing has in all; ``Unreadable`` where it does not say."""
    body = yield from ask(Request("GET", path, {**params, "limit": "1"}))
    total = scalars.total(body, path)
    if total is None:
        raise Unreadable(f"GET {path} gives no meta.total; it cannot be counted")
    return total
