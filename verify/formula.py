"""The part of Amazon CloudWatch's metric math, and of the rules of composite alarms, that alarms of an endpoint use."""
from __future__ import annotations

import ast
import operator
import re
from typing import Any, Callable, Mapping, Optional

Value = Optional[float]

_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def evaluate(expression: str, values: Mapping[str, Value]) -> Value:
    """The value of an expression in one period; None where data is missing or divided by zero. Raises ValueError for what is not known here."""
    return _value(ast.parse(expression, mode="eval").body, values)


def holds(rule: str, states: Mapping[str, str]) -> bool:
    """Whether a composite rule is true, given the states of the alarms that it names."""
    found = re.sub(r"(ALARM|OK|INSUFFICIENT_DATA)\(\s*[\"']?([^\"')]+?)[\"']?\s*\)", lambda match: str(states[short(match[2])] == match[1]), rule)
    tree = ast.parse(re.sub(r"\b(AND|OR|NOT)\b", lambda match: match[0].lower(), found).strip(), mode="eval")
    return bool(_logic(tree.body))


def names_in(rule: str) -> list[str]:
    """The alarms that a composite rule names."""
    return [short(name) for name in re.findall(r"(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*[\"']?([^\"')]+?)[\"']?\s*\)", rule)]


def short(name: str) -> str:
    """An alarm's name, which a rule may give as an ARN."""
    return name.rpartition(":alarm:")[2]


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "IF" and len(node.args) == 3:
        condition = _value(node.args[0], values)
        return None if condition is None else _value(node.args[1 if condition else 2], values)
    if isinstance(node, ast.BinOp):
        return _combined(node.op, _value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _combined(node.ops[0], _value(node.left, values), _value(node.comparators[0], values))
    raise ValueError(f"the verifier does not know {ast.unparse(node)!r}")


def _combined(action: ast.AST, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(action, ast.Div):
        return None if right == 0 else left / right
    if type(action) not in _ARITHMETIC:
        raise ValueError(f"the verifier does not know {type(action).__name__}")
    return float(_ARITHMETIC[type(action)](left, right))


def _logic(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = [_logic(value) for value in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _logic(node.operand)
    if isinstance(node, ast.Constant):
        return bool(node.value)
    raise ValueError(f"the verifier does not know {ast.unparse(node)!r}")
