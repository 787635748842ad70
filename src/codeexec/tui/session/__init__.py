"""The session as the workbench sees it: opened, asked, followed frame by frame."""
