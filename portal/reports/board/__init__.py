"""The one screen that answers in ten seconds: income, its largest source, members, certificates, renewals, cash due."""
