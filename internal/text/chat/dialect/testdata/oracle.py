"""Answers questions about prompts and answers with DeepSeek's own code.

Reads one JSON request a line from standard input and writes one JSON answer a
line. Needs the package deepseek-recipe 0.2.0. See oracle_test.go.
"""
import json
import sys

import deepseek_recipe as rc


def convert(q):
    try:
        req = rc.ChatCompletionRequest(json.dumps(q["body"]))
    except rc.ConversionError as e:
        return {"status": e.status_code, "body": e.body}
    try:
        conv = req.convert(rc.ConversionOptions())
        tokens = conv.resolve_max_tokens(10, 1048576)
    except rc.ConversionError as e:
        return {"status": e.status_code, "body": e.body}
    io, po, c = conv.inference_options, conv.parsing_options, conv.conversation
    v41 = "4.1" in q["body"].get("model", "")
    enc = rc.DeepseekV41Encoding() if v41 else rc.DeepseekV4Encoding()
    r = enc.render_conversation(c)
    stage = po.thinking_initial_stage
    start = "content"
    if po.starts_in_tool_calls:
        start = "tool-calls"
    elif stage is not None:
        start = {
            "ReasoningStart": "reasoning",
            "ReasoningContinuation": "reasoning-continued",
            "ContentContinuation": "content-continued",
        }[str(stage).rsplit(".", 1)[-1]]
    at = lambda i: len(r.prompt[:i].encode())
    return {
        "status": 200,
        "prompt": r.prompt,
        "special_bytes": [[at(a), at(b)] for a, b in r.special_ranges],
        "start": start,
        "temperature": io.temperature,
        "top_p": io.top_p,
        "max_tokens": tokens,
        "thinking": c.thinking_mode,
        "effort": c.reasoning_effort,
        "parse_tool_calls": po.parse_tool_calls,
        "json_output": po.parse_json_output,
        "stop": po.stop_sequences,
        "constraint": io.output_constraint.kind if io.output_constraint else None,
        "constraint_schema": io.output_constraint.schema if io.output_constraint else None,
        "logprobs": io.logprobs,
        "top_logprobs": io.top_logprobs,
        "stream": conv.stream,
    }


def parse(q):
    stages = {
        "reasoning": rc.ThinkingInitialStage.ReasoningStart,
        "reasoning-continued": rc.ThinkingInitialStage.ReasoningContinuation,
        "content-continued": rc.ThinkingInitialStage.ContentContinuation,
    }
    options = rc.ParsingOptions(
        parse_tool_calls=q.get("tools", True),
        starts_in_tool_calls=q["start"] == "tool-calls",
        parse_json_output=q.get("json", False),
        thinking_initial_stage=stages.get(q["start"]),
        stop_sequences=q.get("stop", []),
    )
    version = rc.ModelVersion.DeepseekV41Flash if q["v41"] else rc.ModelVersion.DeepseekV4Pro
    request = rc.ConversationRequest(rc.Conversation([rc.UserMessage("x")]), version)
    gen = rc.ChatCompletionRequest.chunk_generator(request, "id", "m")
    p = rc.StreamProcessor(gen, options)
    out = {"reasoning": "", "content": "", "tool_calls": [], "finish_reason": ""}

    def take(chunks):
        for c in chunks:
            for choice in json.loads(c.to_json())["choices"]:
                d = choice["delta"]
                out["reasoning"] += d.get("reasoning_content") or ""
                out["content"] += d.get("content") or ""
                for t in d.get("tool_calls") or []:
                    if t["index"] == len(out["tool_calls"]):
                        out["tool_calls"].append({"name": "", "arguments": ""})
                    f, call = t.get("function") or {}, out["tool_calls"][t["index"]]
                    call["name"] += f.get("name") or ""
                    call["arguments"] += f.get("arguments") or ""
                if choice.get("finish_reason"):
                    out["finish_reason"] = choice["finish_reason"]

    take(p.push(rc.InferenceChunk.ready()))
    for text in q["chunks"]:
        if p.finished:
            break
        take(p.push(rc.InferenceChunk.text(text, 1)))
    if not p.finished:
        why = rc.InferenceFinishReason.Length if q.get("cut") else rc.InferenceFinishReason.Stop
        take(p.push(rc.InferenceChunk.finish(why)))
    if not p.finished:
        take(p.finish())
    return out


for line in sys.stdin:
    q = json.loads(line)
    try:
        a = convert(q) if q["op"] == "convert" else parse(q)
    except Exception as e:  # the answer must keep its place
        a = {"failed": repr(e)}
    print(json.dumps(a, ensure_ascii=False), flush=True)
