"""What programs put out, made into rows, tables, trees and frames that a pane can show."""
