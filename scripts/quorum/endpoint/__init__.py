"""A language model behind an OpenAI-compatible server: every answer is paid once, and kept."""
