package tokenizer

import "strings"

// Publishers mark only some of their added tokens as special, and only those
// disappear when text is decoded without special tokens. A GGUF file has lost
// that mark: converters call everything that looks like one a CONTROL token. The
// functions here bring it back for the vocabularies that are known: they tell the
// CONTROL tokens that are shown all the same.

// shownCoder: DeepSeek Coder v1 marks the begin and the end.
func shownCoder(text string) bool {
	return text != "<｜begin▁of▁sentence｜>" && text != "<｜end▁of▁sentence｜>"
}

// shownV3: DeepSeek V3 to V3.2 mark the begin, end and padding tokens, the place
// holders and <|EOT|>.
func shownV3(text string) bool {
	return text != "<|EOT|>" && shownV4(text)
}

// shownV4: V4 has marked visual tokens too, and no longer marks <|EOT|>.
func shownV4(text string) bool {
	switch text {
	case "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<｜end_of_query｜>",
		"<｜rl_image_pad｜>", "<｜rl_image_start｜>", "<｜image｜>",
		"<｜polygon｜>", "<｜/polygon｜>", "<｜point｜>", "<｜/point｜>",
		"<｜box｜>", "<｜/box｜>", "<｜ref｜>", "<｜/ref｜>":
		return false
	}
	return !strings.HasPrefix(text, "<｜place▁holder▁no▁") && !strings.HasPrefix(text, "<|place_holder_mm_span_")
}

// shownQwen: Qwen does not mark its tokens for code; the distillations of R1 not
// their roles.
func shownQwen(text string) bool {
	switch text {
	case "<|repo_name|>", "<|file_sep|>", "<｜User｜>", "<｜Assistant｜>", "<|EOT|>":
		return true
	}
	return strings.HasPrefix(text, "<|fim_")
}
