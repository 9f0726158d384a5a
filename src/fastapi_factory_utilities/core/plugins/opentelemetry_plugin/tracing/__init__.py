"""Our spans: made, sampled, propagated and handed to sinks; they live in OpenTelemetry's context and speak its API."""
