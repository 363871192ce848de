package config

import "testing"

func TestHub(t *testing.T) {
	env := map[string]string{"HF_ENDPOINT": "https://mirror.example/ ", "HF_TOKEN": "hf_x\n"}
	got := hub(func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if got != (Hub{"https://mirror.example", "hf_x"}) {
		t.Errorf("%+v", got)
	}
}
