using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Notify.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    internal sealed partial class Inbox : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "inbox_marks",
                columns: table => new
                {
                    user_id = table.Column<long>(type: "INTEGER", nullable: false),
                    version = table.Column<long>(type: "INTEGER", nullable: false),
                    topic_id = table.Column<long>(type: "INTEGER", nullable: false),
                    mark_order = table.Column<long>(type: "INTEGER", nullable: false),
                    seen_at = table.Column<long>(type: "INTEGER", nullable: true),
                    read_at = table.Column<long>(type: "INTEGER", nullable: true),
                    archived_at = table.Column<long>(type: "INTEGER", nullable: true),
                    expires_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_inbox_marks", x => new { x.user_id, x.version });
                });

            migrationBuilder.CreateTable(
                name: "inbox_watermarks",
                columns: table => new
                {
                    user_id = table.Column<long>(type: "INTEGER", nullable: false),
                    filter = table.Column<string>(type: "TEXT", nullable: false),
                    steps = table.Column<string>(type: "TEXT", nullable: false),
                    up_to = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_inbox_watermarks", x => new { x.user_id, x.filter });
                });

            migrationBuilder.CreateIndex(
                name: "notifications_expiring",
                table: "notifications",
                columns: new[] { "topic_id", "version", "expires_at" },
                filter: "expires_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "inbox_marks_unread",
                table: "inbox_marks",
                columns: new[] { "user_id", "version" },
                filter: "read_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "inbox_marks_version",
                table: "inbox_marks",
                column: "version");

            migrationBuilder.CreateIndex(
                name: "inbox_watermarks_up_to",
                table: "inbox_watermarks",
                column: "up_to");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "inbox_marks");

            migrationBuilder.DropTable(
                name: "inbox_watermarks");

            migrationBuilder.DropIndex(
                name: "notifications_expiring",
                table: "notifications");
        }
    }
}
