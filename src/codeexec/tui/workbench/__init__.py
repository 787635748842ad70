"""The workbench screen: panes on one session, their arrangement, and actions between them."""
