"""Prepares docs/openapi.yaml for a fuzzer: narrow.py SPEC MODEL [short].

One model makes more requests be answered. "short" also bounds the lengths of
answers: what is sent stays within the description, and is answered sooner. It is
of no use for finding out what is refused, for more is then out of bounds than
the server knows of.
"""

import json
import sys

import yaml

SHORT = {"max_tokens": 8, "max_completion_tokens": 8, "max_output_tokens": 8, "num_predict": 8, "n": 2, "best_of": 2}


def shorten(node):
    """Bounds the lengths in every object's properties, and asks for them."""
    if isinstance(node, list):
        for x in node:
            shorten(x)
    if not isinstance(node, dict):
        return
    props = node.get("properties")
    if isinstance(props, dict):
        for name, most in SHORT.items():
            if name in props and isinstance(props[name], dict) and "maximum" in props[name]:
                # A copy: YAML's aliases share what they stand for.
                props[name] = {"type": "integer", "minimum": 1, "maximum": most}
        for name in ("max_tokens", "max_output_tokens"):
            if name in props and name not in node.get("required", []):
                node["required"] = node.get("required", []) + [name]
    for x in node.values():
        shorten(x)


def main():
    doc = json.loads(json.dumps(yaml.safe_load(open(sys.argv[1], encoding="utf-8"))))
    schemas = doc["components"]["schemas"]
    if "short" in sys.argv[3:]:
        short(schemas)
    schemas["ModelName"] = {"enum": [sys.argv[2]]}
    # Downloads are no fuzzer's business, the model must not be deleted, and what is
    # not offered is answered with 501, which a fuzzer takes for a failure.
    for path in ("/api/pull", "/api/delete", "/api/create", "/api/copy", "/api/push", "/api/me", "/api/signout", "/api/blobs/{digest}"):
        del doc["paths"][path]
    json.dump(doc, sys.stdout)


def short(schemas):
    """Bounds the lengths of all answers."""
    for name in ("ChatRequest", "CompletionRequest", "ResponsesRequest", "MessagesRequest", "DeepSeekRequest", "InfillRequest"):
        shorten(schemas[name])
    schemas["Options"]["properties"]["num_predict"] = {"type": "integer", "minimum": 1, "maximum": 8}
    schemas["Options"]["required"] = ["num_predict"]
    for name in ("OllamaChatRequest", "GenerateRequest"):
        schemas[name]["required"] = ["model", "options"]


main()
