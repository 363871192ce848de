package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// url is the server's address, without a slash at its end.
var url = os.Getenv("HOLDFAST_URL")

// Models of the server.
const (
	starter = "starter"
	thinker = "thinker"
)

func TestMain(m *testing.M) {
	if url == "" {
		fmt.Fprintln(os.Stderr, "HOLDFAST_URL is not set: run the tests with bash test/conformance/run")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// city is the schema that answers and arguments are held to.
var city = map[string]any{
	"type": "object", "required": []string{"city", "days"}, "additionalProperties": false,
	"properties": map[string]any{
		"city": map[string]any{"type": "string", "enum": []string{"Paris", "Lima"}},
		"days": map[string]any{"type": "integer", "minimum": 1, "maximum": 9},
	},
}

// checkCity fails if a text is no JSON of the schema city.
func checkCity(t *testing.T, text string) {
	t.Helper()
	var v struct {
		City string
		Days int
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if v.City != "Paris" && v.City != "Lima" || v.Days < 1 || v.Days > 9 {
		t.Errorf("%q is not of the schema", text)
	}
}
