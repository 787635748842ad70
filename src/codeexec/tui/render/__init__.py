"""Convert program output to rows, tables, trees and traceback frames."""
