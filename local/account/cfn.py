"""CloudFormation resource types: registering new ones and correcting the emulator's own.

A handler's shape is the emulator's:
  create(logical_id, props, stack_name) -> (Ref, {attribute: value})
  update(physical_id, old, new, stack_name, logical_id) -> (Ref, {attribute: value})
  delete(physical_id, props) -> None
Raise ValueError to fail the resource with that message. A handler that calls the account's API (`aws.client`)
must run on a worker thread (`worker=True`, the default), because the event loop serves that very call.
"""
from __future__ import annotations

import functools
from typing import Any, Callable, Iterable, Mapping, Optional, Tuple

import ministack.services.cloudformation.drift as _drift
import ministack.services.cloudformation.provisioners as _provisioners
import ministack.services.cloudformation.stacks as _stacks

Attributes = Mapping[str, Any]
Created = Tuple[str, Attributes]
Create = Callable[[str, dict, str], Created]
Update = Callable[[str, dict, dict, str, str], Created]
Delete = Callable[[str, dict], None]
Reader = Tuple[Callable[[str, dict], Optional[dict]], Iterable[str]]

REGISTERED: set[str] = set()
_WORKER_TYPES: set[str] = set()
_SENT_BACK: set[str] = set()
_runs_on_worker = _stacks._runs_on_worker_thread
_sends_back = _stacks._sends_back_failed_update


def _runs_on_worker_thread(resource_type: str) -> bool:
    return resource_type in _WORKER_TYPES or _runs_on_worker(resource_type)


def _sends_back_failed_update(resource_type: str) -> bool:
    return resource_type in _SENT_BACK or _sends_back(resource_type)


_stacks._runs_on_worker_thread = _runs_on_worker_thread
_stacks._sends_back_failed_update = _sends_back_failed_update


def register(
    type: str,
    create: Create,
    update: Update | None = None,
    delete: Delete | None = None,
    read: Reader | None = None,
    replacing: Iterable[str] = (),
    custom_name: str | None = None,
    worker: bool = True,
    sent_back: bool = False,
) -> None:
    """Adds a resource type.

    `replacing` names the properties whose change replaces the resource. `custom_name` is the property with the
    explicit name that a replacement cannot keep. `read` is (reader(physical_id, props) -> properties or None,
    names of the properties it reads) for drift detection. Without `update` a change that replaces nothing fails.
    `sent_back` says that a failed update may have changed the resource, so that the way back of the stack updates it to what it was; when that
    fails too, the stack is UPDATE_ROLLBACK_FAILED.
    """
    if type in _provisioners._RESOURCE_HANDLERS:
        raise ValueError(f"{type} already has a handler in the emulator: extend it instead of registering it")
    handlers: dict[str, Any] = {
        "create": create,
        "update": update or _refuse_update(type),
        "update_with_logical_id": True,
        "delete": delete or (lambda physical_id, props: None),
    }
    _provisioners._RESOURCE_HANDLERS[type] = handlers
    _provisioners._REPLACING_PROPERTIES[type] = tuple(replacing)
    if custom_name:
        _provisioners._CUSTOM_NAME_REPLACEMENT[type] = {"name": custom_name}
    if worker:
        _WORKER_TYPES.add(type)
    if sent_back:
        _SENT_BACK.add(type)
    if read:
        _drift._DRIFT_READERS[type] = (read[0], frozenset(read[1]))
    REGISTERED.add(type)


def extend(
    type: str,
    create: Callable[[Create], Create] | None = None,
    update: Callable[[Callable[..., Created]], Callable[..., Created]] | None = None,
    delete: Callable[[Delete], Delete] | None = None,
    worker: bool | None = None,
) -> None:
    """Wraps the handlers of one of the emulator's own types: each argument gets the original and returns its substitute.

    A substitute for `update` takes `*args` as the original does (physical_id, old, new, stack_name[, logical_id]).
    """
    handlers = _provisioners._RESOURCE_HANDLERS.get(type)
    if handlers is None:
        raise ValueError(f"{type} has no handler in the emulator: register it instead of extending it")
    for name, wrap in (("create", create), ("update", update), ("delete", delete)):
        if wrap and name in handlers:
            handlers[name] = wrap(handlers[name])
    if worker:
        _WORKER_TYPES.add(type)


def add_attributes(type: str, attributes: Callable[[str, dict], Attributes]) -> None:
    """Adds Fn::GetAtt attributes that the emulator's own handler lacks: attributes(physical_id, props) -> values."""

    def on_create(original: Create) -> Create:
        @functools.wraps(original)
        def created(logical_id: str, props: dict, stack: str) -> Created:
            physical_id, found = original(logical_id, props, stack)
            return physical_id, {**attributes(physical_id, props), **found}

        return created

    def on_update(original: Callable[..., Created]) -> Callable[..., Created]:
        @functools.wraps(original)
        def updated(physical_id: str, old: dict, new: dict, *rest: Any) -> Created:
            new_id, found = original(physical_id, old, new, *rest)
            return new_id, {**attributes(new_id, new), **(found or {})}

        return updated

    extend(type, create=on_create, update=on_update)


def physical_name(props: dict, key: str, stack: str, logical_id: str, max_length: int = 63) -> str:
    """The explicit name in `props[key]`, or one generated from stack and logical id as CloudFormation does."""
    return props.get(key) or _provisioners._physical_name(stack, logical_id, max_len=max_length)


def forgiving(delete: Delete, *gone: str) -> Delete:
    """A delete that succeeds when the service answers with one of the error codes or texts in `gone`."""
    markers = gone or ("NotFound", "not found", "Could not find", "does not exist", "Unknown")

    def deleted(physical_id: str, props: dict) -> None:
        try:
            delete(physical_id, props)
        except Exception as error:
            if not any(marker in f"{type(error).__name__}: {error}" for marker in markers):
                raise

    return deleted


def _refuse_update(type: str) -> Update:
    def update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> Created:
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        raise ValueError(f"{type} cannot be updated in the local account (changed: {', '.join(changed)})")

    return update
