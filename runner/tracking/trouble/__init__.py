"""What a record meets on its way: passwords that nobody may see, full disks, stores that refuse or never answer."""
