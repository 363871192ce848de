package openai

import (
	"encoding/json"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// choose reads tool_choice: a word, an object that names a function, or one with
// the functions that are allowed. Those that are not leave the request.
func choose(r *chat.Request, raw json.RawMessage) error {
	if absent(raw) {
		return nil
	}
	if raw[0] == '"' {
		var word string
		if err := decode.Value(raw, &word, "tool_choice"); err != nil {
			return err
		}
		return chooseWord(r, word, "tool_choice")
	}
	var c toolChoice
	if err := decode.Value(raw, &c, "tool_choice"); err != nil {
		return err
	}
	switch c.Type {
	case "function":
		return chooseNamed(r, c.name())
	case "allowed_tools":
		a, at := &c.allowedTools, "tool_choice"
		if c.Allowed != nil {
			a, at = c.Allowed, "tool_choice.allowed_tools"
		}
		return allow(r, a, at)
	case "":
		return apierr.Missing("tool_choice.type")
	}
	return apierr.At(apierr.UnsupportedValue, "tool_choice.type", "'tool_choice.type' is %.100q, but only \"function\" and \"allowed_tools\" are supported", c.Type)
}

// toolChoice is the object form. The responses API has directly in it what the
// chat API has in an object of its own.
type toolChoice struct {
	toolName
	allowedTools
	Allowed *allowedTools `json:"allowed_tools"`
}

// toolName names a tool.
type toolName struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Function *struct {
		Name string `json:"name"`
	} `json:"function"`
}

func (n *toolName) name() string {
	if n.Function != nil {
		return n.Function.Name
	}
	return n.Name
}

type allowedTools struct {
	Mode  string     `json:"mode"`
	Tools []toolName `json:"tools"`
}

func chooseWord(r *chat.Request, word, at string) error {
	modes := map[string]chat.ToolChoiceMode{"auto": chat.ToolAuto, "none": chat.ToolNone, "required": chat.ToolRequired}
	mode, ok := modes[word]
	switch {
	case !ok:
		return apierr.BadValue(at, word, `"none", "auto", "required", or an object that names a function`)
	case mode == chat.ToolRequired && len(r.Tools) == 0:
		return apierr.At(apierr.InvalidValue, at, "a tool call is required, but there are no tools")
	}
	r.ToolChoice = chat.ToolChoice{Mode: mode}
	return nil
}

func chooseNamed(r *chat.Request, name string) error {
	if find(r.Tools, name) < 0 {
		return apierr.At(apierr.InvalidValue, "tool_choice", "'tool_choice' names the function %.100q, which is not among the tools", name)
	}
	r.ToolChoice = chat.ToolChoice{Mode: chat.ToolNamed, Name: name}
	if r.ParallelCalls == nil {
		r.ParallelCalls = new(false) // "call this function" means once
	}
	return nil
}

func find(tools []chat.Tool, name string) int {
	for i := range tools {
		if tools[i].Name == name {
			return i
		}
	}
	return -1
}

// allow leaves the model the tools of a list, in the order of the request.
func allow(r *chat.Request, a *allowedTools, at string) error {
	if a.Mode != "auto" && a.Mode != "required" {
		return apierr.BadValue(at+".mode", a.Mode, `"auto" or "required"`)
	}
	keep := map[string]bool{}
	for i := range a.Tools {
		t := &a.Tools[i]
		p := fmt.Sprintf("%s.tools[%d]", at, i)
		switch {
		case t.Type != "function":
			return apierr.BadValue(p+".type", t.Type, `"function"`)
		case find(r.Tools, t.name()) < 0:
			return apierr.At(apierr.InvalidValue, p, "'%s' names the function %.100q, which is not among the tools", p, t.name())
		}
		keep[t.name()] = true
	}
	var tools []chat.Tool
	for _, t := range r.Tools {
		if keep[t.Name] {
			tools = append(tools, t)
		}
	}
	if r.Tools = tools; len(tools) == 0 && a.Mode == "auto" {
		return nil
	}
	return chooseWord(r, a.Mode, at+".mode")
}
