package obs

// The names of all metrics, in the terms of vLLM where it has one for the same
// thing, so that dashboards need only another prefix.
const (
	namespace = "holdfast"

	nameRunning       = "num_requests_running"          // gauge
	nameWaiting       = "num_requests_waiting"          // gauge
	nameCacheUsage    = "kv_cache_usage_perc"           // gauge, 0 to 1
	namePrefixQueries = "prefix_cache_queries_total"    // tokens looked up
	namePrefixHits    = "prefix_cache_hits_total"       // tokens found
	namePreemptions   = "num_preemptions_total"         // counter
	namePrompt        = "prompt_tokens_total"           // counter
	namePrefill       = "prompt_tokens_computed_total"  // counter: without cached ones
	nameGeneration    = "generation_tokens_total"       // counter
	nameSuccess       = "request_success_total"         // counter, by finished_reason
	nameTTFT          = "time_to_first_token_seconds"   // histogram
	nameInterToken    = "inter_token_latency_seconds"   // histogram
	nameE2E           = "e2e_request_latency_seconds"   // histogram
	nameQueueTime     = "request_queue_time_seconds"    // histogram
	nameRequestPrompt = "request_prompt_tokens"         // histogram
	nameRequestAnswer = "request_generation_tokens"     // histogram
	namePrefillTime   = "request_prefill_time_seconds"  // histogram: reading the prompt
	nameDecodeTime    = "request_decode_time_seconds"   // histogram: first token to last
	nameDiskHits      = "prefix_cache_disk_hits_total"  // of the hits, tokens read from disk
	nameDiskOff       = "prefix_cache_disk_off"         // gauge: 1 where writing to the disk was given up
	nameRefused       = "requests_refused_total"        // counter, by code
	nameKeyTokens     = "key_tokens_total"              // counter, by key and kind
	nameIteration     = "iteration_tokens_total"        // histogram: rows of a step
	nameStepTime      = "iteration_seconds"             // histogram
	nameModelLoaded   = "model_loaded"                  // gauge, 0 or 1
	nameModelMemory   = "model_memory_bytes"            // gauge
	nameModelUsers    = "model_leases"                  // gauge
	nameHTTP          = "http_requests_total"           // counter, by route and status
	nameHTTPDuration  = "http_request_duration_seconds" // histogram, by route
	nameHTTPInFlight  = "http_requests_in_flight"       // gauge
	nameBuild         = "build_info"                    // gauge, always 1
	labelModel        = "model_name"
	labelReason       = "finished_reason"
	labelRoute        = "route"
	labelStatus       = "status"
	labelVersion      = "version"
	labelCode         = "code"
	labelKey          = "key"
	labelKind         = "kind" // prompt, cached, completion
	labelKernels      = "kernels"
)
