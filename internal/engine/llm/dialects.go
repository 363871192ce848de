package llm

// DeepSeek's own prompt formats register with chat when they are linked in;
// whoever runs a model wants them.
import _ "github.com/holdfast-llm/holdfast/internal/text/chat/dialect"
