"""What blocks of lessons put out on a session, and whether exercises are done."""
