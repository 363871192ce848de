// Package jinja renders chat templates: the Jinja2 language as the sandbox of
// Hugging Face's apply_chat_template runs it, with Python's meaning of values
// (text of floats and lists, slices, string methods, key order of dicts).
//
// Parse makes a Template, which is immutable and may be rendered by several
// goroutines at once. Render takes the variables as an ordered Dict and gives
// Segments: the output cut into text that the template wrote and text that came
// from the user. A string marked by User keeps its mark through concatenation,
// slicing, filters and macros, so that a tokenizer can refuse to see a special
// token in what somebody typed.
//
// Templates come out of model files that strangers made. A rendering has limits
// on steps, on bytes and on depth, and reaches nothing outside of it: there is
// no loader (include, import and extends fail), no clock but the one given, and
// attributes that would lead into Python's internals or change a value in place
// are refused as in the sandbox, but for lists that a template keeps in a namespace.
package jinja
