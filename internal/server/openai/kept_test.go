package openai

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestResponsesSurviveARestart: what was answered before is found by another server
// on the same file.
func TestResponsesSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	start := func() (*site, *store.Responses) {
		disk := store.NewResponses(path, store.DefaultResponseLimits)
		t.Cleanup(func() { disk.Close() })
		return with(t, &servertest.Model{Answer: "Salt & <water>."}, Options{Store: NewKeptStore(NewMemoryStore(10, 1<<20), disk, nil)}), disk
	}
	s, disk := start()
	_, body := s.post(t, "/v1/responses", `{"model":"fake","input":"Why <?","temperature":0}`)
	_, other := s.post(t, "/v1/responses", `{"model":"fake","input":"No?","store":false}`)
	var kept, not struct{ ID string }
	if json.Unmarshal([]byte(body), &kept) != nil || json.Unmarshal([]byte(other), &not) != nil {
		t.Fatal(body, other)
	}
	if err := disk.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = start()
	if status, got := s.get(t, "/v1/responses/"+kept.ID); status != 200 || got != body {
		t.Errorf("stored:\n%s, answered:\n%s", got, body)
	}
	if status, got := s.post(t, "/v1/responses", `{"model":"fake","previous_response_id":"`+kept.ID+`","input":"And?"}`); status != 200 {
		t.Errorf("%d %s", status, got)
	}
	if status, _ := s.get(t, "/v1/responses/"+not.ID); status != 404 {
		t.Errorf("a response that was not to be stored: %d", status)
	}
	r, err := http.NewRequest(http.MethodDelete, s.URL+"/v1/responses/"+kept.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	s, _ = start()
	if status, _ := s.get(t, "/v1/responses/"+kept.ID); status != 404 {
		t.Errorf("a deleted response: %d", status)
	}
}

// TestDiskOfResponsesFails: answers go on, with one warning.
func TestDiskOfResponsesFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	warned := 0
	k := NewKeptStore(NewMemoryStore(10, 1<<20), store.NewResponses(filepath.Join(path, "r.db"), store.DefaultResponseLimits), func(error) { warned++ })
	for _, id := range []string{"a", "b"} {
		if err := k.Put(&Stored{ID: id, Owner: "ann", Response: json.RawMessage(`{}`)}); err != nil {
			t.Error(err)
		}
		if _, ok, err := k.Get(id, "ann"); !ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
	}
	if _, ok, err := k.Get("c", "ann"); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if warned != 1 {
		t.Errorf("%d warnings", warned)
	}
}
