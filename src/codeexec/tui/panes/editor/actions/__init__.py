"""Actions of the editor: functions over its model, and controllers for what has state."""
