"""Remote stores of files, all behind one protocol: a folder, FTP, SFTP, S3. No settings, no rows."""
