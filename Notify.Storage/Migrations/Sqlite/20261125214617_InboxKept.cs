using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Notify.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    internal sealed partial class InboxKept : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "inbox_kept",
                columns: table => new
                {
                    version = table.Column<long>(type: "INTEGER", nullable: false),
                    id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    topic_id = table.Column<long>(type: "INTEGER", nullable: false),
                    topic_seq = table.Column<long>(type: "INTEGER", nullable: false),
                    published_at = table.Column<long>(type: "INTEGER", nullable: false),
                    expires_at = table.Column<long>(type: "INTEGER", nullable: true),
                    content = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_inbox_kept", x => x.version);
                });

            migrationBuilder.CreateIndex(
                name: "inbox_kept_expiring",
                table: "inbox_kept",
                columns: new[] { "topic_id", "version", "expires_at" },
                filter: "expires_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "inbox_kept_id",
                table: "inbox_kept",
                column: "id");

            migrationBuilder.CreateIndex(
                name: "inbox_kept_topic",
                table: "inbox_kept",
                columns: new[] { "topic_id", "version" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "inbox_kept");
        }
    }
}
