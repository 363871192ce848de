"""The vendors' Python clients against the server at HOLDFAST_URL."""

import json
import os

import anthropic
import httpx
import ollama
import openai
import pytest
from langchain_deepseek import ChatDeepSeek

URL = os.environ["HOLDFAST_URL"]
STARTER, THINKER = "starter", "thinker"
SEA = "Why is the sea salty?"
LONG = "the sea is salty " * 2000

CITY = {
    "type": "object",
    "required": ["city", "days"],
    "additionalProperties": False,
    "properties": {
        "city": {"type": "string", "enum": ["Paris", "Lima"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
    },
}


def check_city(value):
    """A text or an object must be of the schema."""
    if isinstance(value, str):
        value = json.loads(value)
    assert set(value) == {"city", "days"} and value["city"] in ("Paris", "Lima") and 1 <= value["days"] <= 9


# OpenAI


@pytest.fixture(scope="module")
def oai():
    return openai.OpenAI(base_url=URL + "/v1", api_key="none", max_retries=0)


def ask(model=STARTER, **more):
    return {"model": model, "messages": [{"role": "user", "content": SEA}], "max_tokens": 24} | more


FORECAST = {"type": "function", "function": {"name": "forecast", "description": "The weather.", "parameters": CITY, "strict": True}}
FORCED = {"tools": [FORECAST], "tool_choice": {"type": "function", "function": {"name": "forecast"}}, "max_tokens": 200}


def test_openai_models(oai):
    assert STARTER in [m.id for m in oai.models.list()]
    assert oai.models.retrieve(STARTER).created > 0


def test_openai_chat(oai):
    a = oai.chat.completions.create(**ask(seed=1, n=2, logprobs=True, top_logprobs=2))
    assert len(a.choices) == 2 and a.choices[0].message.content and a.choices[1].logprobs.content[0].top_logprobs
    assert a.usage.total_tokens == a.usage.prompt_tokens + a.usage.completion_tokens > 0


def test_openai_stream(oai):
    chunks = list(oai.chat.completions.create(**ask(stream=True, stream_options={"include_usage": True})))
    assert sum(1 for c in chunks if c.choices and c.choices[0].delta.content) > 1
    assert chunks[-1].usage.completion_tokens > 0 and chunks[-2].choices[0].finish_reason


def test_openai_tools(oai):
    m = oai.chat.completions.create(**ask(**FORCED)).choices[0].message
    assert m.tool_calls[0].function.name == "forecast"
    check_city(m.tool_calls[0].function.arguments)
    again = ask(tools=[FORECAST], tool_choice="none")
    again["messages"] += [m, {"role": "tool", "tool_call_id": m.tool_calls[0].id, "content": "rain"}]
    assert oai.chat.completions.create(**again).choices[0].message.content


def test_openai_tools_stream(oai):
    with oai.chat.completions.stream(**ask(**FORCED)) as s:
        a = s.get_final_completion()
    check_city(a.choices[0].message.tool_calls[0].function.arguments)


def test_openai_schema(oai):
    form = {"type": "json_schema", "json_schema": {"name": "trip", "schema": CITY, "strict": True}}
    check_city(oai.chat.completions.create(**ask(response_format=form, max_tokens=200)).choices[0].message.content)


def test_openai_thinking(oai):
    a = oai.chat.completions.create(**ask(THINKER, reasoning_effort="low"))
    assert a.choices[0].message.reasoning_content and a.usage.completion_tokens_details.reasoning_tokens


def test_openai_responses(oai):
    a = oai.responses.create(model=STARTER, input=SEA, max_output_tokens=24)
    assert a.output_text and a.usage.output_tokens
    b = oai.responses.create(model=STARTER, input="And lakes?", max_output_tokens=24, previous_response_id=a.id)
    assert b.usage.input_tokens > a.usage.input_tokens
    assert oai.responses.retrieve(b.id).output_text == b.output_text
    with oai.responses.stream(model=STARTER, input=SEA, max_output_tokens=24) as s:
        kinds = [e.type for e in s]
    assert kinds[0] == "response.created" and kinds[-1] in ("response.completed", "response.incomplete")


def test_openai_completions_and_embeddings(oai):
    assert oai.completions.create(model=STARTER, prompt="The sea is", max_tokens=8).choices[0].text
    a = oai.embeddings.create(model=STARTER, input=["sea", "salt"], dimensions=64)  # base64 on the wire
    assert [len(d.embedding) for d in a.data] == [64, 64] and a.usage.prompt_tokens


def test_openai_errors(oai):
    with pytest.raises(openai.NotFoundError):
        oai.chat.completions.create(**ask("no-such-model"))
    for more, code in [({"temperature": 7}, "invalid_value"), ({"extra_body": {"max_tokenz": 1}}, "unknown_parameter")]:
        with pytest.raises(openai.BadRequestError) as e:
            oai.chat.completions.create(**ask(**more))
        assert e.value.code == code
    with pytest.raises(openai.BadRequestError) as e:
        oai.chat.completions.create(**ask(messages=[{"role": "user", "content": LONG}]))
    assert e.value.code == "context_length_exceeded" and "4096" in e.value.message


def idle():
    """No answer is being made a moment later."""
    import time

    for _ in range(100):
        if not sum(m["running"] for m in httpx.get(URL + "/admin/models").json()):
            return
        time.sleep(0.1)
    pytest.fail("an answer is being made for nobody")


def test_openai_cancel(oai):
    s = oai.chat.completions.create(**ask(stream=True, max_tokens=3000, logit_bias={"2": -100}))
    next(iter(s))
    s.close()
    idle()


# Anthropic


@pytest.fixture(scope="module")
def claude():
    return anthropic.Anthropic(base_url=URL + "/anthropic", api_key="none", max_retries=0)


TOOL = {"name": "forecast", "description": "The weather.", "input_schema": CITY}


def test_anthropic_models(claude):
    assert STARTER in [m.id for m in claude.models.list()]
    assert claude.models.retrieve(STARTER).display_name


def test_anthropic_messages(claude):
    a = claude.messages.create(**ask("claude-any", system="Be brief."))
    assert a.content[0].text and a.stop_reason and a.usage.output_tokens
    with claude.messages.stream(**ask(stop_sequences=["@@"])) as s:
        assert "".join(s.text_stream) and s.get_final_message().usage.output_tokens
    assert claude.messages.count_tokens(model=STARTER, messages=ask()["messages"]).input_tokens


def test_anthropic_tools(claude):
    q = ask(tools=[TOOL], tool_choice={"type": "tool", "name": "forecast"}, max_tokens=200)
    a = claude.messages.create(**q)
    assert a.stop_reason == "tool_use"
    check_city(a.content[0].input)
    with claude.messages.stream(**q) as s:
        check_city(s.get_final_message().content[0].input)
    back = [{"role": "assistant", "content": a.content}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": a.content[0].id, "content": "rain"}]}]
    assert claude.messages.create(**ask(tools=[TOOL], messages=ask()["messages"] + back, tool_choice={"type": "none"})).content


def test_anthropic_schema(claude):
    a = claude.messages.create(**ask(max_tokens=200, output_config={"format": {"type": "json_schema", "schema": CITY}}))
    check_city(a.content[0].text)


def test_anthropic_thinking(claude):
    q = ask(THINKER, max_tokens=1100, thinking={"type": "enabled", "budget_tokens": 1024})
    a = claude.messages.create(**q)
    assert a.content[0].type == "thinking" and a.content[0].thinking and a.content[0].signature
    with claude.messages.stream(**q) as s:
        m = s.get_final_message()
    assert m.content[0].thinking and m.content[0].signature
    q["messages"] = q["messages"] + [{"role": "assistant", "content": a.content}, {"role": "user", "content": "And lakes?"}]
    assert claude.messages.create(**q).id


def test_anthropic_errors(claude):
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(**ask("no-such-model"))
    for more in [{"extra_body": {"temperature": 7}}, {"extra_body": {"max_tokenz": 1}}, {"messages": [{"role": "user", "content": LONG}]}]:
        with pytest.raises(anthropic.BadRequestError):
            claude.messages.create(**ask(**more))


# Ollama


@pytest.fixture(scope="module")
def native():
    return ollama.Client(host=URL)


BRIEF = {"num_predict": 24, "seed": 1}


def test_ollama_models(native):
    assert any(m.model.startswith(STARTER) for m in native.list().models)
    assert "completion" in native.show(STARTER).capabilities


def test_ollama_chat(native):
    a = native.chat(STARTER, messages=ask()["messages"], options=BRIEF)
    assert a.message.content and a.done and a.eval_count
    lines = list(native.chat(STARTER, messages=ask()["messages"], options=BRIEF, stream=True))
    assert "".join(c.message.content or "" for c in lines) == a.message.content and lines[-1].done
    assert native.ps().models
    assert native.generate(STARTER, SEA, options=BRIEF).response


def test_ollama_tools(native):
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "forecast", "arguments": {"city": "Paris", "days": 2}}}]}
    a = native.chat(STARTER, messages=ask()["messages"] + [call, {"role": "tool", "tool_name": "forecast", "content": "rain"}], tools=[FORECAST], options={"num_predict": 100})
    assert a.message.content or a.message.tool_calls


def test_ollama_schema_and_thinking(native):
    check_city(native.chat(STARTER, messages=ask()["messages"], format=CITY, options={"num_predict": 200}).message.content)
    assert native.chat(THINKER, messages=ask()["messages"], think=True, options=BRIEF).message.thinking


def test_ollama_embed(native):
    assert [len(v) for v in native.embed(STARTER, ["sea", "salt"], dimensions=32).embeddings] == [32, 32]


def test_ollama_errors(native):
    for model, text, options, status in [("no-such-model", SEA, {}, 404), (STARTER, SEA, {"temperature": -1}, 400), (STARTER, LONG, {}, 400)]:
        with pytest.raises(ollama.ResponseError) as e:
            native.chat(model, messages=[{"role": "user", "content": text}], options=options)
        assert e.value.status_code == status and e.value.error


# DeepSeek


def deepseek(model=STARTER, **more):
    return ChatDeepSeek(model=model, api_base=URL, api_key="none", max_retries=0, **({"max_tokens": 24} | more))


def test_deepseek_chat():
    a = deepseek("deepseek-chat").invoke(SEA)
    assert a.content and a.usage_metadata["output_tokens"] and a.response_metadata["token_usage"]["prompt_cache_miss_tokens"] is not None
    assert "".join(c.content for c in deepseek("deepseek-chat").stream(SEA))


def test_deepseek_thinking():
    assert deepseek(THINKER, extra_body={"thinking": {"type": "enabled"}}).invoke(SEA).additional_kwargs["reasoning_content"]
    chunks = list(deepseek(THINKER).stream(SEA))
    assert "".join(c.additional_kwargs.get("reasoning_content", "") for c in chunks)


def test_deepseek_tools():
    model = deepseek(max_tokens=200).bind_tools([FORECAST], tool_choice="forecast")
    check_city(model.invoke(SEA).tool_calls[0]["args"])


def test_deepseek_errors():
    with pytest.raises(openai.BadRequestError):
        deepseek("no-such-model").invoke(SEA)
    with pytest.raises(openai.BadRequestError) as e:
        deepseek().invoke(LONG)
    assert e.value.code == "context_length_exceeded"
