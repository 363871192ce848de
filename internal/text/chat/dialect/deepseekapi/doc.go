// Package deepseekapi reads the bodies of DeepSeek's Chat Completions API: what
// they may say, what their settings come to, and the errors, in DeepSeek's own
// words and in the order in which its servers look. It knows no HTTP.
//
// The reference is the package deepseek-recipe 0.2.0.
package deepseekapi
