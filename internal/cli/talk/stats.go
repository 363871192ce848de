package talk

import (
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast"
)

// stats describes the last answer and the conversation.
func (t *Talk) stats() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  model        %s\n", t.Model)
	if used, err := t.Session.ContextUsed(); err == nil {
		fmt.Fprintf(&b, "  context      %d of %d tokens used\n", used, t.Context)
	}
	turns := 0
	for _, m := range t.Session.History() {
		if m.Role == holdfast.User {
			turns++
		}
	}
	fmt.Fprintf(&b, "  questions    %d\n", turns)
	if t.last == nil {
		b.WriteString("  no answer yet")
		return b.String()
	}
	b.WriteString(Describe(t.last, "  "))
	return b.String()
}

// Describe writes the numbers of an answer in lines, each after indent.
func Describe(d *holdfast.Done, indent string) string {
	u, tm := d.Usage, d.Timings
	lines := []string{
		fmt.Sprintf("prompt       %s, %d of them from the cache, %s", count(u.PromptTokens, "token"), u.CachedTokens, speed(tm.Prompt, d.PromptRate())),
		fmt.Sprintf("answer       %s, %s", count(u.CompletionTokens, "token"), speed(tm.Answer, d.AnswerRate())),
	}
	if u.ReasoningTokens > 0 {
		lines[1] += fmt.Sprintf(", %d of them thinking", u.ReasoningTokens)
	}
	lines = append(lines, fmt.Sprintf("total        %s, ended by %s, seed %d", Duration(tm.Total), d.Reason, d.Seed))
	return indent + strings.Join(lines, "\n"+indent)
}

// Brief is Describe in one line.
func Brief(d *holdfast.Done) string {
	s := count(d.Usage.CompletionTokens, "token")
	if r := d.AnswerRate(); r > 0 {
		s += fmt.Sprintf(" · %.1f tokens/s", r)
	}
	s += " · " + Duration(d.Timings.Total)
	switch d.Reason {
	case holdfast.FinishLength:
		s += " · cut at the length limit"
	case holdfast.FinishCanceled:
		s += " · stopped"
	default:
	}
	return s
}

func speed(d time.Duration, rate float64) string {
	if rate <= 0 {
		return Duration(d)
	}
	return fmt.Sprintf("%s (%.1f tokens/s)", Duration(d), rate)
}

// Duration writes a time as precisely as people want it.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
