// The vendors' Node clients against the server at HOLDFAST_URL.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createDeepSeek } from "@ai-sdk/deepseek";
import Anthropic from "@anthropic-ai/sdk";
import { ChatDeepSeek } from "@langchain/deepseek";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { Ollama } from "ollama";
import OpenAI from "openai";

const url = process.env.HOLDFAST_URL;
const sea = "Why is the sea salty?";
const long = "the sea is salty ".repeat(2000);
const city = {
	type: "object",
	required: ["city", "days"],
	additionalProperties: false,
	properties: { city: { type: "string", enum: ["Paris", "Lima"] }, days: { type: "integer", minimum: 1, maximum: 9 } },
};

function checkCity(value) {
	const v = typeof value === "string" ? JSON.parse(value) : value;
	assert.ok(["Paris", "Lima"].includes(v.city) && v.days >= 1 && v.days <= 9, JSON.stringify(v));
}

async function list(stream) {
	const all = [];
	for await (const x of stream) all.push(x);
	return all;
}

// idle waits until no answer is being made.
async function idle() {
	for (let i = 0; i < 100; i++) {
		const models = await (await fetch(url + "/admin/models")).json();
		if (models.every((m) => m.running === 0)) return;
		await new Promise((done) => setTimeout(done, 100));
	}
	assert.fail("an answer is being made for nobody");
}

// OpenAI

const openai = new OpenAI({ baseURL: url + "/v1", apiKey: "none", maxRetries: 0 });
const ask = (more = {}) => ({ model: "starter", max_tokens: 24, messages: [{ role: "user", content: sea }], ...more });
const forecast = { type: "function", function: { name: "forecast", description: "The weather.", parameters: city, strict: true } };
const forced = { tools: [forecast], tool_choice: { type: "function", function: { name: "forecast" } }, max_tokens: 200 };

test("openai: models", async () => {
	assert.ok((await list(openai.models.list())).some((m) => m.id === "starter"));
	assert.ok((await openai.models.retrieve("starter")).created > 0);
});

test("openai: chat", async () => {
	const a = await openai.chat.completions.create(ask({ n: 2, logprobs: true, top_logprobs: 2 }));
	assert.equal(a.choices.length, 2);
	assert.ok(a.choices[0].message.content && a.choices[1].logprobs.content.length && a.usage.total_tokens);
	const chunks = await list(await openai.chat.completions.create(ask({ stream: true, stream_options: { include_usage: true } })));
	assert.ok(chunks.filter((c) => c.choices[0]?.delta.content).length > 1 && chunks.at(-1).usage.completion_tokens);
});

test("openai: tools", async () => {
	const a = await openai.chat.completions.create(ask(forced));
	checkCity(a.choices[0].message.tool_calls[0].function.arguments);
	const s = await openai.chat.completions.stream(ask(forced)).finalChatCompletion();
	checkCity(s.choices[0].message.tool_calls[0].function.arguments);
});

test("openai: schema", async () => {
	const format = { type: "json_schema", json_schema: { name: "trip", schema: city, strict: true } };
	checkCity((await openai.chat.completions.create(ask({ max_tokens: 200, response_format: format }))).choices[0].message.content);
});

test("openai: thinking", async () => {
	const a = await openai.chat.completions.create(ask({ model: "thinker", reasoning_effort: "high" }));
	assert.ok(a.choices[0].message.reasoning_content && a.usage.completion_tokens_details.reasoning_tokens);
});

test("openai: responses", async () => {
	const a = await openai.responses.create({ model: "starter", input: sea, max_output_tokens: 24 });
	assert.ok(a.output_text && a.usage.output_tokens);
	const b = await openai.responses.create({ model: "starter", input: "And lakes?", max_output_tokens: 24, previous_response_id: a.id });
	assert.ok(b.usage.input_tokens > a.usage.input_tokens);
	const events = await list(await openai.responses.create({ model: "starter", input: sea, max_output_tokens: 24, stream: true }));
	assert.equal(events[0].type, "response.created");
	assert.match(events.at(-1).type, /^response\.(completed|incomplete)$/);
});

test("openai: completions, embeddings", async () => {
	assert.ok((await openai.completions.create({ model: "starter", prompt: "The sea is", max_tokens: 8 })).choices[0].text);
	const e = await openai.embeddings.create({ model: "starter", input: ["sea", "salt"], dimensions: 64 });
	assert.deepEqual(e.data.map((d) => d.embedding.length), [64, 64]);
});

test("openai: errors", async () => {
	const f = (more, status, code) => assert.rejects(openai.chat.completions.create(ask(more)), (e) => e.status === status && e.code === code);
	await f({ model: "no-such-model" }, 404, "model_not_found");
	await f({ model: "no-such-model", stream: true }, 404, "model_not_found");
	await f({ temperature: 7 }, 400, "invalid_value");
	await f({ max_tokenz: 7 }, 400, "unknown_parameter");
	await f({ messages: [{ role: "user", content: long }] }, 400, "context_length_exceeded");
});

test("openai: cancel", async () => {
	const s = await openai.chat.completions.create(ask({ stream: true, max_tokens: 3000, logit_bias: { 2: -100 } }));
	for await (const _ of s) break;
	await idle();
});

// Anthropic

const claude = new Anthropic({ baseURL: url + "/anthropic", apiKey: "none", maxRetries: 0 });
const tools = { tools: [{ name: "forecast", input_schema: city }], tool_choice: { type: "tool", name: "forecast" }, max_tokens: 200 };

test("anthropic: models, count", async () => {
	assert.ok((await list(claude.models.list())).some((m) => m.id === "starter"));
	assert.ok((await claude.messages.countTokens({ model: "starter", messages: ask().messages })).input_tokens);
});

test("anthropic: messages", async () => {
	const a = await claude.messages.create(ask({ model: "claude-any" }));
	assert.ok(a.content[0].text && a.stop_reason && a.usage.output_tokens);
	const s = await claude.messages.stream(ask()).finalMessage();
	assert.ok(s.content[0].text && s.usage.output_tokens);
});

test("anthropic: tools, schema", async () => {
	checkCity((await claude.messages.create(ask(tools))).content[0].input);
	checkCity((await claude.messages.stream(ask(tools)).finalMessage()).content[0].input);
	checkCity((await claude.messages.create(ask({ max_tokens: 200, output_config: { format: { type: "json_schema", schema: city } } }))).content[0].text);
});

test("anthropic: thinking", async () => {
	const q = ask({ model: "thinker", max_tokens: 1100, thinking: { type: "enabled", budget_tokens: 1024 } });
	for (const m of [await claude.messages.create(q), await claude.messages.stream(q).finalMessage()]) {
		assert.ok(m.content[0].thinking && m.content[0].signature);
	}
});

test("anthropic: errors", async () => {
	const f = (more, status) => assert.rejects(claude.messages.create(ask(more)), (e) => e.status === status);
	await f({ model: "no-such-model" }, 404);
	await f({ temperature: 7 }, 400);
	await f({ max_tokenz: 7 }, 400);
	await f({ messages: [{ role: "user", content: long }] }, 400);
});

// Ollama

const ollama = new Ollama({ host: url });
const brief = { num_predict: 24, seed: 1 };

test("ollama: models", async () => {
	assert.ok((await ollama.list()).models.some((m) => m.name.startsWith("starter")));
	assert.ok((await ollama.show({ model: "starter" })).capabilities.includes("completion"));
});

test("ollama: chat, generate, embed", async () => {
	const a = await ollama.chat({ model: "starter", messages: ask().messages, options: brief });
	assert.ok(a.message.content && a.eval_count);
	const lines = await list(await ollama.chat({ model: "starter", messages: ask().messages, options: brief, stream: true }));
	assert.equal(lines.map((l) => l.message.content).join(""), a.message.content);
	assert.ok((await ollama.generate({ model: "starter", prompt: sea, options: brief })).response);
	assert.equal((await ollama.embed({ model: "starter", input: ["sea", "salt"] })).embeddings.length, 2);
});

test("ollama: schema, thinking, tools", async () => {
	checkCity((await ollama.chat({ model: "starter", messages: ask().messages, format: city, options: { num_predict: 200 } })).message.content);
	assert.ok((await ollama.chat({ model: "thinker", messages: ask().messages, think: true, options: brief })).message.thinking);
	const a = await ollama.chat({ model: "starter", messages: ask().messages, tools: [forecast], options: { num_predict: 100 } });
	assert.ok(a.message.content || a.message.tool_calls.length);
});

test("ollama: errors", async () => {
	const f = (q, status) => assert.rejects(ollama.chat({ model: "starter", messages: ask().messages, ...q }), (e) => e.status_code === status && e.error !== "");
	await f({ model: "no-such-model" }, 404);
	await f({ options: { temperature: -1 } }, 400);
	await f({ messages: [{ role: "user", content: long }] }, 400);
});

test("ollama: cancel", async () => {
	const s = await ollama.chat({ model: "starter", messages: ask().messages, stream: true, options: { num_predict: 3000 } });
	await assert.rejects(async () => {
		for await (const _ of s) s.abort();
	});
	await idle();
});

// DeepSeek

const deepseek = createDeepSeek({ baseURL: url, apiKey: "none" });
const vercel = (model, more = {}) => ({ model: deepseek(model), prompt: sea, maxOutputTokens: 24, maxRetries: 0, ...more });

test("ai sdk: chat", async () => {
	const a = await generateText(vercel("deepseek-chat"));
	assert.ok(a.text && a.usage.outputTokens);
	const s = streamText(vercel("deepseek-chat"));
	assert.ok((await list(s.textStream)).join(""));
	assert.ok((await s.usage).outputTokens);
});

test("ai sdk: thinking", async () => {
	assert.ok((await generateText(vercel("thinker", { providerOptions: { deepseek: { thinking: { type: "enabled" } } } }))).reasoningText);
	assert.ok(await streamText(vercel("thinker")).reasoningText);
});

test("ai sdk: tools", async () => {
	const more = { maxOutputTokens: 200, tools: { forecast: tool({ description: "The weather.", inputSchema: jsonSchema(city) }) }, toolChoice: { type: "tool", toolName: "forecast" } };
	checkCity((await generateText(vercel("starter", more))).toolCalls[0].input);
	checkCity((await streamText(vercel("starter", more)).toolCalls)[0].input);
});

test("ai sdk: errors", async () => {
	await assert.rejects(generateText(vercel("no-such-model")), (e) => e.statusCode === 400);
	await assert.rejects(generateText(vercel("starter", { prompt: long })), (e) => e.statusCode === 400 && /4096/.test(e.message));
});

const langchain = (model, more = {}) => new ChatDeepSeek({ model, apiKey: "none", maxTokens: 24, maxRetries: 0, configuration: { baseURL: url }, ...more });

test("langchain: chat", async () => {
	const a = await langchain("deepseek-chat").invoke(sea);
	assert.ok(a.content && a.usage_metadata.output_tokens);
	assert.ok((await list(await langchain("deepseek-chat").stream(sea))).map((c) => c.content).join(""));
});

test("langchain: thinking", async () => {
	assert.ok((await langchain("thinker").invoke(sea)).additional_kwargs.reasoning_content);
	const chunks = await list(await langchain("thinker").stream(sea));
	assert.ok(chunks.map((c) => c.additional_kwargs.reasoning_content ?? "").join(""));
});

test("langchain: tools, errors", async () => {
	const bound = langchain("starter", { maxTokens: 200 }).bindTools([forecast], { tool_choice: "forecast" });
	checkCity((await bound.invoke(sea)).tool_calls[0].args);
	await assert.rejects(langchain("no-such-model").invoke(sea), (e) => e.status === 400);
});
