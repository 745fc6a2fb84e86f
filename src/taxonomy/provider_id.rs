//! Ids of the providers for which the code has a rule. All others are known from `patterns/providers.toml` alone.

/// Anthropic: its Claude models also run on Bedrock and Vertex AI, with Anthropic's words.
pub const ANTHROPIC: &str = "anthropic";
/// Azure `OpenAI`: a cloud that sells a vendor's models.
pub const AZURE: &str = "azure";
/// AWS Bedrock: a cloud that sells several vendors' models.
pub const BEDROCK: &str = "bedrock";
/// The `LiteLLM` proxy and library: a relay, or an adapter in the caller's process.
pub const LITELLM: &str = "litellm";
/// Ollama: its server writes access lines with paths of its own.
pub const OLLAMA: &str = "ollama";
/// `OpenAI`: many other services are called through its SDK.
pub const OPENAI: &str = "openai";
/// `OpenRouter`: a relay that wraps the failures of providers.
pub const OPENROUTER: &str = "openrouter";
/// Google Vertex AI: a cloud that sells several vendors' models.
pub const VERTEX_AI: &str = "vertex_ai";
