"""What the OpenAPI document says beyond what FastAPI writes by itself."""
