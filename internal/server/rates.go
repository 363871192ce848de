package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-llm/holdfast/internal/platform/store"
)

// A Rate is how far a limit by the minute is used; the zero value is no limit.
type Rate = store.Rate

// A RateTeller is an API whose clients know headers of its own about limits by the
// minute; those of the others know OpenAI's.
type RateTeller interface {
	// TellRates sets the headers. A limit that there is not is not mentioned.
	TellRates(h http.Header, requests, tokens Rate)
}

// tellRates returns what sets an answer's headers about an account's limits.
func tellRates(a API, acc Account) func(http.Header) {
	return func(h http.Header) {
		requests, tokens := acc.Rates()
		if t, ok := a.(RateTeller); ok {
			t.TellRates(h, requests, tokens)
			return
		}
		openaiRate(h, "Requests", requests)
		openaiRate(h, "Tokens", tokens)
	}
}

func openaiRate(h http.Header, what string, r Rate) {
	if r.Max == 0 {
		return
	}
	h.Set("X-Ratelimit-Limit-"+what, strconv.FormatInt(r.Max, 10))
	h.Set("X-Ratelimit-Remaining-"+what, strconv.FormatInt(r.Left, 10))
	h.Set("X-Ratelimit-Reset-"+what, r.Full.Round(time.Millisecond).String())
}
