"""The form on the wire and in the journal: JSON, frames, and the upgrade of older schemas."""
