// Package dialect holds the native prompt formats of DeepSeek's open models:
// each renders conversations to the spans that the model was trained on, and
// reads its answers, with reasoning and calls, in pieces of any size.
//
//	deepseek-llm       LLM chat, MoE chat, V2, Coder-V2
//	deepseek-coder     Coder v1 instruct
//	deepseek-v3        V2.5, V3
//	deepseek-r1        R1 and its distills
//	deepseek-r1-0528   R1 of May 2025 and its distill
//	deepseek-v3.1      V3.1, V3.1-Terminus, V3.2-Exp
//	deepseek-v3.2      V3.2
//	deepseek-v4-april  V4 of April 2026
//	deepseek-v4        V4 of July and August 2026
//	deepseek-v4.1      V4.1
//
// Only what a dialect writes as a special token is a template span; everything
// else is plain text, whatever it spells, so that a user who types an end tag
// has typed five characters and nothing more.
//
// Importing the package registers the dialects with package chat, which picks
// one by Detect. Sources: the chat templates that DeepSeek published with its
// models, encoding_dsv32.py and encoding_dsv4.py, and the package
// deepseek-recipe 0.2.0.
package dialect
