package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// WriteDocs writes the man pages to dir and the shell completions to
// dir/completions. What it writes depends on the commands alone.
func WriteDocs(dir string) error {
	root := newRoot(app.New(app.IO{}, &config.Config{}, nil))
	root.InitDefaultHelpFlag()
	if err := os.MkdirAll(filepath.Join(dir, "completions"), 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	manPage(&b, root)
	if err := os.WriteFile(filepath.Join(dir, "holdfast.1"), b.Bytes(), 0o644); err != nil {
		return err
	}
	for _, c := range root.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		b.Reset()
		manPage(&b, c)
		if err := os.WriteFile(filepath.Join(dir, "holdfast-"+c.Name()+".1"), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"holdfast.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"_holdfast":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"holdfast.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
		"holdfast.ps1":  func(b *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(b) },
	} {
		b.Reset()
		if err := write(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "completions", name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// manPage writes one command as a page for man(1), in its macro language: lines
// that begin with a dot are requests, everything else is text.
func manPage(b *bytes.Buffer, c *cobra.Command) {
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(b, ".TH %q 1 \"\" \"holdfast\" \"User Commands\"\n", strings.ToUpper(name))
	fmt.Fprintf(b, ".SH NAME\n%s \\- %s\n", roff(name), roff(c.Short))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	b.WriteString(".SH DESCRIPTION\n")
	preformatted(b, or(c.Long, c.Short))
	c.InitDefaultHelpFlag()
	manFlags(b, "OPTIONS", c.NonInheritedFlags())
	manFlags(b, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n")
		preformatted(b, c.Example)
	}
	if !c.HasParent() {
		manEnvironment(b)
		b.WriteString(".SH SEE ALSO\n")
		var also []string
		for _, sub := range c.Commands() {
			if !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" {
				also = append(also, ".BR holdfast\\-"+sub.Name()+" (1)")
			}
		}
		b.WriteString(strings.Join(also, ",\n") + "\n")
		return
	}
	b.WriteString(".SH SEE ALSO\n.BR holdfast (1)\n")
}

func manFlags(b *bytes.Buffer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		what, usage := pflag.UnquoteUsage(f)
		head := "\\fB\\-\\-" + roff(f.Name) + "\\fR"
		if f.Shorthand != "" {
			head = "\\fB\\-" + f.Shorthand + "\\fR, " + head
		}
		if what != "" {
			head += " \\fI" + roff(what) + "\\fR"
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", head, roff(usage))
	})
}

// manEnvironment lists the settings.
func manEnvironment(b *bytes.Buffer) {
	b.WriteString(".SH ENVIRONMENT\n")
	fmt.Fprintf(b, ".TP\n.B %s\nthe configuration file to read\n", config.PathVariable)
	for _, s := range config.Settings {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", s.Variable(), roff(s.Help))
	}
	b.WriteString(".TP\n.B NO_COLOR\nif set, no colours\n")
}

// preformatted writes text as it is laid out.
func preformatted(b *bytes.Buffer, text string) {
	fmt.Fprintf(b, ".nf\n%s\n.fi\n", roff(text))
}

// roff escapes what the macro language would take for its own.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
