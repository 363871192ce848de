package library

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A Recipe says more about a model than its file does: another name, where it
// was downloaded from, or a model made of another one with a system prompt and
// settings of its own. Recipes are small JSON files in the folder "recipes"
// below that of the models; they never hold weights.
type Recipe struct {
	Name string `json:"name"`
	// From names the model that this one is made of, File a file below the folder
	// of models, with slashes. One of them is set.
	From string `json:"from,omitempty"`
	File string `json:"file,omitempty"`

	System     string          `json:"system,omitempty"`     // when a conversation has no system message
	Template   string          `json:"template,omitempty"`   // a Jinja chat template
	Parameters json.RawMessage `json:"parameters,omitempty"` // an object of options, for who asks through Ollama's API
	Messages   []RecipeMessage `json:"messages,omitempty"`   // before those of a conversation
	Licence    string          `json:"license,omitempty"`

	Source  string    `json:"source,omitempty"` // where a file was downloaded from
	SHA256  string    `json:"sha256,omitempty"` // of the file, of its first part
	Created time.Time `json:"created"`
}

// A RecipeMessage is a turn that every conversation begins with.
type RecipeMessage struct {
	Role    string `json:"role"` // user, assistant or system
	Content string `json:"content"`
}

// recipeFolder is the folder below that of the models.
const recipeFolder = "recipes"

// longestRecipe bounds a recipe's file, in bytes.
const longestRecipe = 1 << 20

// goodName is what a model may be called: nothing that has to be escaped in an
// address, and no name is ever used as a path.
var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:-]{0,199}$`)

// CheckName says whether a model can be called so.
func CheckName(name string) error {
	if !goodName.MatchString(name) {
		return fmt.Errorf("library: %.200q is no name for a model, expected 1 to 200 letters, digits, '.', '_', '-', ':' or '/', the first a letter or a digit", name)
	}
	return nil
}

// untagged is a name without the tag that means nothing.
func untagged(name string) string { return strings.TrimSuffix(name, ":latest") }

// path returns where a recipe is kept below a folder of models. The name is
// only the reader's; the hash tells names apart.
func (r *Recipe) path(dir string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(r.Name)))
	readable := strings.Trim(unsafeInFiles.ReplaceAllString(r.Name, "-"), "-.")
	readable = readable[:min(len(readable), 80)]
	return filepath.Join(dir, recipeFolder, readable+"-"+hex.EncodeToString(sum[:6])+".json")
}

var unsafeInFiles = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// check refuses a recipe that cannot be followed.
func (r *Recipe) check() error {
	if err := CheckName(r.Name); err != nil {
		return err
	}
	if (r.From == "") == (r.File == "") {
		return fmt.Errorf("library: the recipe of %q must name either a model or a file", r.Name)
	}
	if r.File != "" && !filepath.IsLocal(filepath.FromSlash(r.File)) {
		return fmt.Errorf("library: the recipe of %q names the file %q, expected one below the folder of models", r.Name, r.File)
	}
	for _, m := range r.Messages {
		if !slices.Contains([]string{"system", "user", "assistant"}, m.Role) {
			return fmt.Errorf("library: the role of a message is %.100q, expected system, user or assistant", m.Role)
		}
	}
	if r.Template != "" {
		if _, err := parseTemplate(chat.ModelInfo{}, r.Template); err != nil {
			return err
		}
	}
	return nil
}

// goTemplate finds what only templates of the kind in Modelfiles have: fields
// with a dot or variables with a dollar in front. Some are valid Jinja by
// accident, and would print nothing.
var goTemplate = regexp.MustCompile(`\{\{-?\s*(?:[.$]|(?:if|range|with|else if)\s+(?:[.$(]|(?:eq|ne|and|or|not|gt|lt|len|index|slice)\b))`)

// parseTemplate makes a prompt format of a template.
func parseTemplate(info chat.ModelInfo, template string) (chat.Format, error) {
	if m := goTemplate.FindString(template); m != "" {
		return nil, &TemplateError{Err: fmt.Errorf("%q is from a template of Ollama's Modelfiles, expected Jinja as in tokenizer_config.json", m)}
	}
	f, err := chat.ForModel(info, chat.Options{Template: template})
	if err != nil {
		return nil, &TemplateError{Err: err}
	}
	return f, nil
}

// A TemplateError says that a chat template cannot be used.
type TemplateError struct{ Err error }

// Error tells why.
func (e *TemplateError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *TemplateError) Unwrap() error { return e.Err }

// Save writes a recipe below a folder of models, in one step: whoever reads at
// the same time finds the old one or the new one.
func (r *Recipe) Save(dir string) error {
	if err := r.check(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	if len(data) > longestRecipe {
		return fmt.Errorf("library: the recipe of %q has %d bytes, at most %d are allowed", r.Name, len(data), longestRecipe)
	}
	path := r.path(dir)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("library: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// Recipes reads the recipes below a folder of models. Broken ones are left out,
// and named in the error.
func Recipes(dir string) ([]Recipe, error) {
	folder := filepath.Join(dir, recipeFolder)
	files, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	var out []Recipe
	var bad error
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") || filepath.Ext(f.Name()) != ".json" || !f.Type().IsRegular() {
			continue
		}
		r, err := readRecipe(filepath.Join(folder, f.Name()))
		if err == nil {
			err = r.check()
		}
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("library: %s: %w", f.Name(), err))
			continue
		}
		out = append(out, *r)
	}
	return out, bad
}

func readRecipe(path string) (*Recipe, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	data, err := io.ReadAll(io.LimitReader(f, longestRecipe+1))
	if err != nil {
		return nil, err
	}
	if len(data) > longestRecipe {
		return nil, fmt.Errorf("more than %d bytes", longestRecipe)
	}
	r := &Recipe{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	return r, nil
}

// over returns a recipe made of one that is made of another: what it does not
// say is the other's.
func (r Recipe) over(base *Recipe) Recipe {
	r.From = base.From
	if r.System == "" {
		r.System = base.System
	}
	if r.Template == "" {
		r.Template = base.Template
	}
	if len(r.Messages) == 0 {
		r.Messages = base.Messages
	}
	if r.Licence == "" {
		r.Licence = base.Licence
	}
	r.Parameters = overlay(base.Parameters, r.Parameters)
	return r
}

// overlay joins two objects; what both have is the upper one's.
func overlay(lower, upper json.RawMessage) json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, raw := range []json.RawMessage{lower, upper} {
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) == nil {
			maps.Copy(all, m)
		}
	}
	if len(all) == 0 {
		return nil
	}
	out, err := json.Marshal(all)
	if err != nil {
		return upper
	}
	return out
}

// A recipeFormat is a prompt format that begins conversations as a recipe says.
type recipeFormat struct {
	chat.Format
	recipe *Recipe
}

// Render puts the recipe's messages before the conversation's.
func (f recipeFormat) Render(r *chat.Request) (*chat.Prompt, error) {
	c := *r
	c.Messages = f.recipe.begin(r.Messages)
	return f.Format.Render(&c)
}

// begin returns a conversation with the recipe's messages in it.
func (r *Recipe) begin(messages []chat.Message) []chat.Message {
	if r.System == "" && len(r.Messages) == 0 {
		return messages
	}
	var out []chat.Message
	own := 0 // the conversation's own system messages stay in front
	for own < len(messages) && (messages[own].Role == chat.System || messages[own].Role == chat.Developer) {
		own++
	}
	if own == 0 && r.System != "" {
		out = append(out, chat.Message{Role: chat.System, Content: chat.Text(r.System)})
	}
	out = append(out, messages[:own]...)
	for _, m := range r.Messages {
		out = append(out, chat.Message{Role: chat.Role(m.Role), Content: chat.Text(m.Content)})
	}
	return append(out, messages[own:]...)
}
