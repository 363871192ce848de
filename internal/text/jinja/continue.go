package jinja

import "strings"

// continueTag is put behind the message that is to be continued. The template
// then prints it where the message ends.
const continueTag = "CONTINUE_FINAL_MESSAGE_TAG "

// RenderContinued renders a conversation so that it ends within its last
// message, which a model then continues: a tag is put behind the text under the
// given key of the last message (normally "content"), and the output is cut at
// the tag. If the template trimmed the space behind the tag, the text before it
// is trimmed too.
func (t *Template) RenderContinued(ctx *Dict, key string, o Options) ([]Segment, error) {
	marked, err := tagged(ctx, key)
	if err != nil {
		return nil, named(err, t.name)
	}
	out, err := t.render(marked, o)
	if err != nil {
		return nil, named(err, t.name)
	}
	at := strings.LastIndex(out.s, strings.TrimSpace(continueTag))
	if at < 0 {
		return nil, named(valueErrorf("the template does not show the final message, which therefore cannot be continued"), t.name)
	}
	kept := strings.HasPrefix(out.s[at:], continueTag)
	out = out.slice(0, at)
	if !kept {
		out = out.slice(0, len(strings.TrimRightFunc(out.s, isSpace)))
	}
	var segs []Segment
	out.pieces(func(text string, user bool) { segs = append(segs, Segment{text, user}) })
	return segs, nil
}

// tagged returns ctx with the tag behind the last message's text.
func tagged(ctx *Dict, key string) (*Dict, error) {
	v, _ := ctx.Get("messages")
	msgs, ok := v.(*List)
	if !ok || len(msgs.v) == 0 {
		return nil, valueErrorf("no message to continue")
	}
	last, ok := msgs.v[len(msgs.v)-1].(*Dict)
	if !ok {
		return nil, valueErrorf("the final message is a %s, not a dict", typeName(msgs.v[len(msgs.v)-1]))
	}
	content, _ := last.Get(key)
	s, ok := content.(Str)
	if !ok {
		return nil, valueErrorf("the final message's %s is no text that can be continued", key)
	}
	last = last.copy()
	last.Set(key, concat(s, User(continueTag)))
	list := &List{append(append([]Value(nil), msgs.v[:len(msgs.v)-1]...), last)}
	return ctx.copy().Set("messages", list), nil
}
