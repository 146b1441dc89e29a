"""Publishing events to Kafka: reading, validation and sending."""
