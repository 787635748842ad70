"""Tables in files (Parquet, Arrow, Excel, SQLite), read by a helper process with limits."""
