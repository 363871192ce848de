package dialect

import "fmt"

// The texts that ask for more reasoning. V4 of April knew the first as max;
// later ones use it for high, their default, and the second for max.
const (
	effortAbsolute = "Reasoning Effort: Absolute maximum with no shortcuts permitted.\n" +
		"You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root cause, rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.\n" +
		"Explicitly write out your entire deliberation process, documenting every intermediate step, considered alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.\n\n"
	effortBeyond = "Reasoning Effort: Beyond maximum — exhaustive, relentless, and uncompromising.\n" +
		"You MUST reason with the utmost depth and rigor, leaving absolutely nothing to chance: exhaustively decompose the problem into its most fundamental components, trace every causal chain to its root, and resolve the underlying cause rather than any surface symptom.\n" +
		"Do not stop reasoning until you have independently verified the solution from multiple angles and are certain that no assumption remains unchecked and no error remains undiscovered.\n\n"
)

// effortApril returns V4's text of April 2026 for an effort.
func effortApril(name string) string {
	if Effort(name) == "max" {
		return effortAbsolute
	}
	return ""
}

// effortV4 returns V4's text for an effort.
func effortV4(name string) string {
	switch Effort(name) {
	case "low":
		return ""
	case "max":
		return effortBeyond
	}
	return effortAbsolute
}

// effortV41 returns V4.1's line for an effort.
func effortV41(name string) string {
	n := map[string]int{"low": 50, "high": 75, "max": 100}[Effort(name)]
	return fmt.Sprintf("Reasoning Effort: %d (range 1-100, the higher the value, the more thorough the reasoning)\n\n", n)
}
