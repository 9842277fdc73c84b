"""Evaluates parameter texts, one JSON text a line, and answers in one line of JSON each.

"big" tells that a whole number beyond 64 bits occurs on the way, "refused" that text or a list
is repeated by *, text formatted by %, or a key of the whole is no text: all of these are refused
by Norgay where Python goes on.
"""

import ast
import json
import sys

TP = {
    "batch_size": 16,
    "learning_rate": 1e-5,
    "units_1": 64,
    "units_2": 32,
    "dropout": 0.1,
    "patience": 10,
    "activation": "relu",
    "resource": 3,
    "flag": True,
    "nothing": None,
    "list": [3, 1, 2],
    "pair": (4, 5),
    "quote": "it's \"é\"\n",
    "nan": float("nan"),
    "largest": 2**63 - 1,
}
FUNCTIONS = {f.__name__: f for f in (str, int, float, round, min, max)}
NAMES = {"__builtins__": FUNCTIONS, "tp": TP, "true": True, "false": False, "null": None}


def value_of(node):
    try:
        return eval(compile(ast.Expression(node), "", "eval"), NAMES)
    except Exception:
        return None


def is_smallest(node):
    is_minus = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    return is_minus and isinstance(node.operand, ast.Constant) and node.operand.value == 2**63


def notes(tree):
    allowed = {id(node.operand) for node in ast.walk(tree) if is_smallest(node)}
    big = refused = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or isinstance(node, (ast.Name, ast.Dict)):
            continue
        value = value_of(node)
        if isinstance(value, int) and not -(2**63) <= value < 2**63 and id(node) not in allowed:
            big = True
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Mod)):
            sides = value_of(node.left), value_of(node.right)
            if any(isinstance(side, (str, list, tuple)) for side in sides):
                refused = True
    return {"big": big, "refused": refused}


for line in sys.stdin:
    text = json.loads(line)
    try:
        value = eval(text, NAMES)
        answer = {"value": repr(value), **notes(ast.parse(text.strip(), mode="eval"))}
        answer["refused"] |= not all(isinstance(key, str) for key in value)
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer))
