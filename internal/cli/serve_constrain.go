package cli

import "github.com/holdfast-llm/holdfast/internal/platform/library"

// constrain forces answers into the shape that a request asks for. nil: such
// requests are refused.
var constrain library.Constrainer
