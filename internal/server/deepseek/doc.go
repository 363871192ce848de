// Package deepseek speaks DeepSeek's own API: chat completions with reasoning
// and prefix completion, filling in the middle, models, and the balance.
//
// It is served without /v1 (/chat/completions) and below /beta, as DeepSeek
// does; under /v1 a request for one of DeepSeek's hosted names, such as
// deepseek-chat, comes here as well, see [API.Delegate]. The rules of chat
// requests and the words of their errors are in package deepseekapi.
//
// Differences from the hosted service are meant to help: max_tokens may be more
// than the context has room for, json_schema is enforced, reasoning_content may
// be missing from earlier turns, and what would be ignored there is either done
// here or refused by name.
package deepseek
